"""What applied commands and range reads answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ostraka.v1 import common_pb2
from ostraka_server.machine.base import Row


class PutResult(NamedTuple):
    """`prev` is the row before, where the request asked for it and there was one."""

    revision: int
    prev: Row | None


class DeleteResult(NamedTuple):
    """`revision` is the shard's, unchanged if nothing was deleted. `prev` holds the rows, if the request asked."""

    revision: int
    deleted: int
    prev: Sequence[Row]


class CompactResult(NamedTuple):
    """`revision` is the shard's: compacting does not raise it."""

    revision: int


class Done(NamedTuple):
    """A client was registered, or forgotten. `revision` is the shard's, unchanged."""

    revision: int


class AnswerLost(NamedTuple):
    """The write took effect when it came before; its answer was too large to keep."""


class Refused(NamedTuple):
    """The command had no effect. The same one will have none either, unless its session was lost (EXPIRED). A read that
    is refused may succeed later, where its reason says so."""

    reason: common_pb2.Reason.ValueType
    message: str
    compact_revision: int = 0
    """COMPACTED: the oldest revision that can still be read."""


@dataclass(frozen=True, slots=True)
class RangeResult:
    """`more`: rows of the range were left out after the last one. `count`: all of the range, also those left out."""

    rows: Sequence[Row]
    more: bool
    count: int


class ReadResult(NamedTuple):
    """What a read within a transaction found, in the state of `read_revision`. `revision` is the shard's by then, with
    the writes that the transaction had done before."""

    revision: int
    read_revision: int
    found: Row | RangeResult | None


class TxnResult(NamedTuple):
    """What was done: the one list if all compares held, else the other. `results` has one for each of its operations.

    `revision` is the shard's afterwards; in a nested transaction, what it was by then."""

    revision: int
    succeeded: bool
    results: Sequence[OperationResult]


OperationResult = ReadResult | PutResult | DeleteResult | TxnResult
Result = PutResult | DeleteResult | TxnResult | CompactResult | Done | AnswerLost | Refused


_ROW_BYTES = 200
"""What a row takes in memory beside its key and value, about."""

_NESTED_BYTES = 100
"""What a result within another takes beside its rows, about."""


def content_bytes(result: Result | OperationResult) -> int:
    """What the rows, and the results of a transaction, in it take in memory, about."""
    if type(result) is PutResult and result.prev is None:
        return 0  # nearly always
    if isinstance(result, TxnResult):
        return sum(_NESTED_BYTES + content_bytes(each) for each in result.results)
    return sum(_ROW_BYTES + len(row.key) + len(row.value) for row in _rows_in(result))


def _rows_in(result: Result | OperationResult) -> Sequence[Row]:
    if isinstance(result, PutResult):
        return () if result.prev is None else (result.prev,)
    if isinstance(result, DeleteResult):
        return result.prev
    if isinstance(result, ReadResult) and result.found is not None:
        return result.found.rows if isinstance(result.found, RangeResult) else (result.found,)
    return ()
