"""Transactions drawn by chance: short, nested now and then, malformed here and there."""

from __future__ import annotations

from ostraka.v1.common_pb2 import SERIALIZABLE
from ostraka.v1.kv_pb2 import Compare, Operation, TxnRequest
from tests.model.draws import UNHEARD_OF, Draws, Options

DEPTH_MAX = 3
READS = {"get": 20, "range": 20, "txn": 12, "nothing": 1}
WRITES = {"put": 40, "delete": 15}
"""What an operation may be, and how often."""
NOT_IN_A_TRANSACTION: tuple[Options, ...] = (
    {"strength": SERIALIZABLE},
    {"max_staleness_ms": 1},
    {"min_revision": 1},
    {"at_unix_ms": 1},
)


def transaction(draws: Draws, *, reading: bool = False, depth: int = 1) -> TxnRequest:
    """`reading`: one that never writes."""
    then, otherwise = (
        [_operation(draws, reading, depth) for _ in range(draws.chance.choice((0, 1, 1, 2, 3)))] for _ in range(2)
    )
    compares = [_compare(draws) for _ in range(draws.chance.choice((0, 1, 1, 2)))]
    return TxnRequest(compares=compares, then=then, otherwise=otherwise)


def _compare(draws: Draws) -> Compare:
    options: Options = draws.span() if draws.one_in(3) else {"key": draws.key()}
    options["operator"] = UNHEARD_OF if draws.one_in(100) else draws.chance.randrange(4)
    targets: Options = {
        "value": draws.value(),
        "version": draws.chance.randrange(4),
        "create_revision": draws.chance.choice((0, draws.recent())),
        "mod_revision": draws.chance.choice((0, draws.recent())),
        "lease": draws.chance.randrange(2),
    }
    target = draws.chance.choice(tuple(targets))
    if not draws.one_in(100):
        options[target] = targets[target]
    return Compare(**options)


def _operation(draws: Draws, reading: bool, depth: int) -> Operation:
    kinds = READS if reading else READS | WRITES
    if depth == DEPTH_MAX:
        kinds = {kind: weight for kind, weight in kinds.items() if kind != "txn"}
    match draws.chance.choices(tuple(kinds), tuple(kinds.values()))[0]:
        case "get":
            return Operation(get=draws.get(_when(draws)))
        case "range":
            return Operation(range=draws.range(_when(draws)))
        case "put":
            return Operation(put=draws.put())
        case "delete":
            return Operation(delete=draws.delete())
        case "txn":
            return Operation(txn=transaction(draws, reading=reading, depth=depth + 1))
    return Operation()


def _when(draws: Draws) -> Options:
    return draws.chance.choice(NOT_IN_A_TRANSACTION) if draws.one_in(100) else draws.past()
