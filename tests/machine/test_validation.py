from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import CompactRequest, Compare, GetRequest, Operation, RangeRequest, TxnRequest
from ostraka_server.machine import PutResult, Refused, validate
from ostraka_server.machine.transaction_shape import TXN_DEPTH_MAX
from tests.machine.bases import apply, empty
from tests.machine.commands import delete, entry, get, put, requested, scan, txn


@dataclass(frozen=True)
class Sizes:
    key_bytes_max: int = 4
    value_bytes_max: int = 8
    txn_operations_max: int = 4


there = Compare(key=b"k", version=0)
local_get = Command(get=GetRequest(key=b"k", strength=common_pb2.SERIALIZABLE))


def nested(depth: int) -> Command:
    """So many transactions, one within the other."""
    return txn(then=[nested(depth - 1)]) if depth > 1 else txn()


@pytest.mark.parametrize(
    "command",
    [
        get(b"k"),
        scan(b"k"),
        scan(b"k", b"k"),  # what is left after the last key of a range
        scan(b"k", b"\0"),
        scan(b"full\0", b"next\0"),  # a page that begins right after a key of full length
        put(b"full", b"8 bytes!"),
        delete(b"a", b"b"),
        txn(),
        txn(there, then=[put(b"k", b"8 bytes!"), delete(b"l"), get(b"k")], otherwise=[scan(b"k", b"\0")]),
        txn(then=[put(b"k")], otherwise=[put(b"k")]),
        txn(then=[txn(then=[put(b"k")], otherwise=[put(b"k"), delete(b"a", b"b")])]),
        txn(then=[txn(then=[put(b"k")], otherwise=[delete(b"a", b"z")])]),
        txn(then=[delete(b"a", b"z"), delete(b"k"), txn(then=[delete(b"a", b"\0")])]),
        txn(then=[put(b"k"), delete(b"a", b"k"), delete(b"k\0", b"\0")]),
        txn(then=[get(b"k")] * 4, otherwise=[get(b"k")] * 4),
        txn(then=[txn(then=[get(b"k")]), txn(there)]),
    ],
)
def test_good_requests_pass(command: Command) -> None:
    assert validate(requested(command), Sizes()) is None


@pytest.mark.parametrize(
    ("command", "reason", "says"),
    [
        (get(b""), common_pb2.INVALID, "key is empty"),
        (put(b"", b"v"), common_pb2.INVALID, "key is empty"),
        (scan(b"", b"\0"), common_pb2.INVALID, "key is empty"),
        (delete(b"", b"z"), common_pb2.INVALID, "key is empty"),
        (scan(b"b", b"a"), common_pb2.INVALID, "range_end lies before key"),
        (delete(b"b", b"a"), common_pb2.INVALID, "range_end lies before key"),
        (Command(), common_pb2.INVALID, "no request"),
        (put(b"5byte", b""), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (get(b"5byte"), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (scan(b"k", b"k6byte"), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (Command(get=GetRequest(key=b"k", revision=2, at_unix_ms=1)), common_pb2.INVALID, "revision and at_unix_ms"),
        (Command(get=GetRequest(key=b"k", strength=3)), common_pb2.INVALID, "strength 3"),  # type: ignore[arg-type]
        (Command(range=RangeRequest(key=b"k", strength=3)), common_pb2.INVALID, "strength 3"),  # type: ignore[arg-type]
        (Command(compact=CompactRequest()), common_pb2.INVALID, "revision is 0"),
        (Command(range=RangeRequest(key=b"k", sort_order=3)), common_pb2.INVALID, "sort_order 3"),  # type: ignore[arg-type]
        (Command(range=RangeRequest(key=b"k", sort_target=5)), common_pb2.INVALID, "sort_target 5"),  # type: ignore[arg-type]
        (put(b"k", b"nine byte"), common_pb2.TOO_LARGE, "value_bytes_max, 8"),
        # All that is in a transaction is looked at as if it stood alone
        (txn(then=[get(b"")]), common_pb2.INVALID, "key is empty"),
        (txn(otherwise=[txn(otherwise=[put(b"")])]), common_pb2.INVALID, "key is empty"),
        (txn(Compare(version=1)), common_pb2.INVALID, "key is empty"),
        (txn(Compare(key=b"b", range_end=b"a", version=1)), common_pb2.INVALID, "range_end lies before key"),
        (txn(then=[put(b"k", b"nine byte")]), common_pb2.TOO_LARGE, "value_bytes_max, 8"),
        (txn(Compare(key=b"5byte", version=1)), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (txn(Compare(key=b"k", value=b"nine byte")), common_pb2.TOO_LARGE, "value_bytes_max, 8"),
        # What belongs to requests of their own
        (txn(then=[local_get]), common_pb2.INVALID, "no strength"),
        (txn(then=[Command(get=GetRequest(key=b"k", min_revision=3))]), common_pb2.INVALID, "no min_revision"),
        (txn(then=[Command(get=GetRequest(key=b"k", at_unix_ms=3))]), common_pb2.INVALID, "no at_unix_ms"),
        (
            txn(then=[Command(range=RangeRequest(key=b"k", max_staleness_ms=3))]),
            common_pb2.INVALID,
            "no max_staleness_ms",
        ),
        # How it is put together
        (txn(Compare(key=b"k")), common_pb2.INVALID, "no target"),
        (txn(Compare(key=b"k", version=1, operator=cast(Any, 9))), common_pb2.INVALID, "operator is not known"),
        (Command(txn=TxnRequest(then=[Operation()])), common_pb2.INVALID, "no request"),
        (
            Command(txn=TxnRequest(then=[Operation(txn=TxnRequest(then=[Operation()]))])),
            common_pb2.INVALID,
            "no request",
        ),
        (nested(TXN_DEPTH_MAX + 1), common_pb2.INVALID, "TXN_DEPTH_MAX, 8"),
        # No key changes twice
        (txn(then=[put(b"k"), put(b"k")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(otherwise=[put(b"k"), put(b"k")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[put(b"k"), delete(b"k")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[delete(b"k"), put(b"k")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[delete(b"a", b"l"), put(b"k")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[put(b"k"), delete(b"a", b"\0")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[put(b"k"), txn(then=[put(b"k")])]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[txn(then=[put(b"k")]), txn(otherwise=[put(b"k")])]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[txn(otherwise=[put(b"k")]), delete(b"a", b"z")]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[txn(then=[put(b"k")]), txn(then=[delete(b"k")])]), common_pb2.INVALID, "b'k' is put twice"),
        (txn(then=[txn(then=[txn(then=[put(b"k")]), put(b"k")])]), common_pb2.INVALID, "b'k' is put twice"),
        # So many are enough
        (txn(*[there] * 5), common_pb2.TOO_LARGE, "txn_operations_max, 4"),
        (txn(otherwise=[get(b"k")] * 5), common_pb2.TOO_LARGE, "txn_operations_max, 4"),
        (txn(then=[txn(then=[get(b"k")] * 2), txn(there)]), common_pb2.TOO_LARGE, "5 compares or operations"),
        (txn(then=[nested(5)]), common_pb2.TOO_LARGE, "txn_operations_max, 4"),
    ],
)
def test_bad_requests_are_refused_by_name(command: Command, reason: common_pb2.Reason.ValueType, says: str) -> None:
    refused = validate(requested(command), Sizes(txn_operations_max=100 if "DEPTH" in says else 4))
    assert refused is not None and refused.reason == reason and says in refused.message


@pytest.mark.parametrize(
    "command",
    [
        *(b"\xff\xff", b"", put(b"", b"v"), delete(b"b", b"a"), get(b"k"), scan(b"k", b"\0")),
        *(txn(then=[put(b"")]), txn(then=[put(b"k"), put(b"k")]), nested(TXN_DEPTH_MAX + 1)),
    ],
)
def test_a_bad_command_in_an_entry_is_a_result_and_stops_nobody(command: Command | bytes) -> None:
    machine = empty()
    first, refused, last = apply(machine, entry(put(b"a"), command, put(b"b")))
    assert isinstance(refused, Refused) and refused.reason == common_pb2.INVALID
    assert (first, last, machine.revision) == (PutResult(2, None), PutResult(3, None), 3)


def test_limits_do_not_count_at_apply() -> None:
    """They are configuration: replicas may differ in them, not in what they execute."""
    machine = empty()
    apply(machine, entry(put(bytes(1 << 16), bytes(1 << 21))))
    assert machine.revision == 2
    apply(machine, entry(txn(then=[put(b"%d" % number) for number in range(200)])))
    assert machine.revision == 3
