"""What a transaction is made of, as plainly as can be: what no list may do, and whether a compare holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import eq, gt, lt, ne
from typing import Any, NamedTuple

from ostraka.v1.common_pb2 import KeyValue
from ostraka.v1.kv_pb2 import Compare, DeleteRequest, Operation, TxnRequest
from tests.model.ranges import malformed_range, within

OPERATORS: Mapping[int, Callable[[Any, Any], bool]] = {
    Compare.EQUAL: eq,
    Compare.NOT_EQUAL: ne,
    Compare.GREATER: gt,
    Compare.LESS: lt,
}


class Writes(NamedTuple):
    """What a list of operations may write, whichever alternatives of its nested transactions are chosen."""

    puts: frozenset[bytes]
    deletes: tuple[DeleteRequest, ...]

    def meet(self, others: Writes) -> bool:
        """Whether a key that one of them puts is put or deleted by the other."""
        return (
            bool(self.puts & others.puts)
            or any(within(key, delete) for key in self.puts for delete in others.deletes)
            or any(within(key, delete) for key in others.puts for delete in self.deletes)
        )


def writes(operation: Operation) -> Writes:
    if operation.HasField("put"):
        return Writes(frozenset([operation.put.key]), ())
    if operation.HasField("delete"):
        return Writes(frozenset(), (operation.delete,))
    if operation.HasField("txn"):
        return _together([writes(each) for each in (*operation.txn.then, *operation.txn.otherwise)])
    return _together([])


def _together(parts: Sequence[Writes]) -> Writes:
    deletes = (delete for part in parts for delete in part.deletes)
    return Writes(frozenset().union(*(part.puts for part in parts)), tuple(deletes))


def writes_twice(operations: Sequence[Operation]) -> bool:
    """Whether two operations of a list meet. Those of nested lists are looked at on their own."""
    return any(one.meet(other) for one, other in combinations(map(writes, operations), 2))


def reads_only(request: TxnRequest) -> bool:
    """Whether it has nothing to do with the log."""
    return writes(Operation(txn=request)) == _together([])


def malformed_compare(compare: Compare) -> bool:
    return malformed_range(compare) or compare.WhichOneof("target") is None or compare.operator not in OPERATORS


def holds(compare: Compare, state: Mapping[bytes, KeyValue]) -> bool:
    """For every key that is meant; where there is none, for one that is absent."""
    meant: list[KeyValue | None] = [state[key] for key in sorted(state) if within(key, compare)]
    return all(_holds_for(compare, kv) for kv in meant or [None])


def _holds_for(compare: Compare, kv: KeyValue | None) -> bool:
    target = compare.WhichOneof("target")
    assert target is not None
    if target == "value" and kv is None:
        return False
    there = 0 if kv is None or target == "lease" else getattr(kv, target)
    return OPERATORS[compare.operator](there, getattr(compare, target))


def decisions(request: TxnRequest, state: Mapping[bytes, KeyValue]) -> Iterator[bool]:
    """Whether its compares hold, then those of each nested transaction that is carried out: all on the state before,
    as etcd does it."""
    succeeded = all(holds(compare, state) for compare in request.compares)
    yield succeeded
    for operation in chosen(request, succeeded):
        if operation.HasField("txn"):
            yield from decisions(operation.txn, state)


def chosen(request: TxnRequest, succeeded: bool) -> Sequence[Operation]:
    return request.then if succeeded else request.otherwise
