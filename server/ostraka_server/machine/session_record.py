"""A session as bytes, for the checkpoint; and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, cast

from ostraka.v1.common_pb2 import KeyValue
from ostraka_server.machine.base import Row
from ostraka_server.machine.records import decoded
from ostraka_server.machine.results import (
    AnswerLost,
    CompactResult,
    DeleteResult,
    OperationResult,
    PutResult,
    RangeResult,
    ReadResult,
    Refused,
    Result,
    TxnResult,
)
from ostraka_server.wire.record_pb2 import Answer
from ostraka_server.wire.record_pb2 import Session as Record


class Stored(NamedTuple):
    """What `encode` was given."""

    used: int
    answered_below: int
    answers: Iterator[tuple[int, Result]]


def encode(used: int, answered_below: int, answers: Mapping[int, Result]) -> bytes:
    """The record of a session."""
    record = Record(used=used, answered_below=answered_below)
    for sequence, answer in answers.items():
        kept = record.answers.add()
        kept.sequence = sequence
        _fill(kept.answer, answer)
    return record.SerializeToString()


def decode(data: bytes) -> Stored:
    """A record, back. Raises MalformedRecord."""
    record = decoded(Record, data)
    answers = ((kept.sequence, cast(Result, _read(kept.answer))) for kept in record.answers)
    return Stored(record.used, record.answered_below, answers)


def _fill(to: Answer, result: Result | OperationResult) -> None:
    if isinstance(result, PutResult):
        to.put.revision = result.revision
        if result.prev is not None:
            _fill_row(to.put.prev, result.prev)
    elif isinstance(result, DeleteResult):
        to.delete.revision, to.delete.deleted = result.revision, result.deleted
        _fill_rows(to.delete.prev, result.prev)
    elif isinstance(result, TxnResult):
        to.txn.revision, to.txn.succeeded = result.revision, result.succeeded
        for each in result.results:
            _fill(to.txn.results.add(), each)
    elif isinstance(result, ReadResult):
        _fill_read(to, result)
    elif isinstance(result, CompactResult):
        to.compact.revision = result.revision
    elif isinstance(result, Refused):
        to.refused.reason, to.refused.message, to.refused.compact_revision = result
    else:
        assert isinstance(result, AnswerLost), f"{result} is no answer to a write"
        to.lost.SetInParent()


def _fill_read(to: Answer, result: ReadResult) -> None:
    found = result.found
    if isinstance(found, RangeResult):
        to.range.revision, to.range.read_revision = result.revision, result.read_revision
        to.range.more, to.range.count = found.more, found.count
        _fill_rows(to.range.rows, found.rows)
    else:
        to.row.revision, to.row.read_revision = result.revision, result.read_revision
        if found is not None:
            _fill_row(to.row.row, found)


def _read(answer: Answer) -> Result | OperationResult:
    match answer.WhichOneof("result"):
        case "put":
            return PutResult(answer.put.revision, _row(answer.put.prev) if answer.put.HasField("prev") else None)
        case "delete":
            return DeleteResult(answer.delete.revision, answer.delete.deleted, _rows(answer.delete.prev))
        case "txn":
            results = [cast(OperationResult, _read(each)) for each in answer.txn.results]
            return TxnResult(answer.txn.revision, answer.txn.succeeded, results)
        case "row":
            row = answer.row
            return ReadResult(row.revision, row.read_revision, _row(row.row) if row.HasField("row") else None)
        case "range":
            rows = answer.range
            found = RangeResult(_rows(rows.rows), rows.more, rows.count)
            return ReadResult(rows.revision, rows.read_revision, found)
        case "compact":
            return CompactResult(answer.compact.revision)
        case "refused":
            return Refused(answer.refused.reason, answer.refused.message, answer.refused.compact_revision)
    return AnswerLost()


def _fill_rows(to: _Rows, rows: Iterable[Row]) -> None:
    for row in rows:
        _fill_row(to.add(), row)


def _fill_row(kv: KeyValue, row: Row) -> None:
    kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version = row


def _rows(kvs: Iterable[KeyValue]) -> tuple[Row, ...]:
    return tuple(map(_row, kvs))


def _row(kv: KeyValue) -> Row:
    return Row(kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version)


class _Rows(Protocol):
    """A repeated field of rows."""

    def add(self) -> KeyValue: ...
