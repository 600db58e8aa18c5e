"""No key changes twice in a transaction: etcd's rule, and the reason why one revision is enough for all that it does.

Whatever one list does, its nested transactions included, puts a key once at most, and does not delete it then. Two
deletes may overlap: the second finds nothing. The rule looks at what is asked, not at which keys exist, so that a
request is refused everywhere or nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from ostraka.v1.kv_pb2 import Operation, TxnRequest
from ostraka_server.machine.ranges import span

Span = tuple[bytes, bytes | None]


class _Writes(NamedTuple):
    puts: set[bytes]
    deletes: list[Span]


class _WrittenTwice(Exception):
    """Names the key."""


def written_twice(request: TxnRequest) -> str | None:
    """What is wrong where one list of operations would change a key twice."""
    try:
        _writes_of_either(request)
    except _WrittenTwice as key:
        return f"{key} is put twice, or put and deleted, by one list of operations"
    return None


def _writes_of_either(request: TxnRequest) -> _Writes:
    """Of both alternatives. Only one will be done, so that they may write the same keys."""
    then, otherwise = _writes_of_list(request.then), _writes_of_list(request.otherwise)
    return _Writes(then.puts | otherwise.puts, then.deletes + otherwise.deletes)


def _writes_of_list(done: Sequence[Operation]) -> _Writes:
    each = [_writes_of(operation) for operation in done]
    listed = _Writes(set(), [])
    for writes in each:
        if common := listed.puts & writes.puts:
            raise _WrittenTwice(repr(min(common)))
        listed.puts.update(writes.puts)
        listed.deletes.extend(writes.deletes)
    puts = sorted(listed.puts)
    for writes in each:
        own = sorted(writes.puts)  # of a nested transaction, whose lists were looked at themselves
        for deleted in writes.deletes:
            places = _within(puts, deleted)
            if len(places) > len(_within(own, deleted)):
                raise _WrittenTwice(repr(next(puts[at] for at in places if puts[at] not in writes.puts)))
    return listed


def _writes_of(operation: Operation) -> _Writes:
    kind = operation.WhichOneof("request")
    if kind == "put":
        return _Writes({operation.put.key}, [])
    if kind == "delete":
        return _Writes(set(), [span(operation.delete.key, operation.delete.range_end)])
    return _writes_of_either(operation.txn) if kind == "txn" else _Writes(set(), [])


def _within(keys: Sequence[bytes], deleted: Span) -> range:
    """The places of those sorted keys that are deleted."""
    start, end = deleted
    return range(bisect_left(keys, start), len(keys) if end is None else bisect_left(keys, end))
