"""What the machine says, as the API says it.

Replies are filled in place: to put a finished message into another copies it, at several times the cost of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ostraka.v1.common_pb2 import Reason, ResponseHeader
from ostraka.v1.exchange_pb2 import Reply
from ostraka.v1.kv_pb2 import GetRequest, GetResponse, RangeRequest, RangeResponse, TxnRequest, TxnResponse
from ostraka_server.machine import (
    AnswerLost,
    CompactResult,
    DeleteResult,
    Done,
    Machine,
    PutResult,
    RangeResult,
    Refused,
    Result,
    Walk,
    read,
)
from ostraka_server.machine.results import TxnResult
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from ostraka_server.shard.filling import fill_range, fill_row, fill_transaction


class Answers:
    """Replies of one shard's replica on one node."""

    def __init__(self, *, cluster: int, shard: int, node: str, range_bytes_max: int) -> None:
        self._cluster = cluster
        self._shard = shard
        self._node = node
        self._range_bytes_max = range_bytes_max

    def to_write(self, call: Call, result: Result, machine: Machine, ballot_round: int) -> Reply:
        """The reply to an applied write."""
        reply = Reply()
        if isinstance(result, PutResult):
            put = reply.put
            self._head(put.header, ballot_round, result.revision)
            if result.prev is not None:
                fill_row(put.prev_kv, result.prev)
        elif isinstance(result, DeleteResult):
            delete = reply.delete
            self._head(delete.header, ballot_round, result.revision)
            delete.deleted = result.deleted
            for row in result.prev:
                fill_row(delete.prev_kvs.add(), row)
        elif isinstance(result, TxnResult):
            fill_transaction(reply.txn, result)
            self._head(reply.txn.header, ballot_round, result.revision)
        elif isinstance(result, CompactResult):
            self._head(reply.compact.header, ballot_round, result.revision)
        elif isinstance(result, Done):
            done = reply.register if call.kind == "register" else reply.close
            self._head(done.header, ballot_round, result.revision)
        elif isinstance(result, AnswerLost):
            return failures.answer_lost()
        else:
            return refused(result)
        return reply

    def to_read(self, call: Call, machine: Machine, ballot_round: int) -> Reply:
        """The reply to a read of the machine's present state, made at once."""
        reply = Reply()
        response: GetResponse | RangeResponse | TxnResponse
        if call.kind == "get":
            response = reply.get
            refusal = _get(call.request, response, machine)
        elif call.kind == "range":
            response = reply.range
            refusal = self._range(call.request, response, machine)
        else:
            response = reply.txn
            refusal = _transaction(call.request, response, machine)
        if refusal is not None:
            return refused(refusal)
        self._head(response.header, ballot_round, machine.revision)
        return reply

    def walk(self, request: RangeRequest) -> Walk:
        """A read of a range, to be carried out a bite at a time."""
        return Walk(request, self._range_bytes_max)

    def to_range(self, found: RangeResult, *, read_revision: int, revision: int, ballot_round: int) -> Reply:
        """The reply to a range that was read when the shard was at `revision`."""
        reply = Reply()
        reply.range.read_revision = read_revision
        fill_range(reply.range, found)
        self._head(reply.range.header, ballot_round, revision)
        return reply

    def _range(self, request: RangeRequest, response: RangeResponse, machine: Machine) -> Refused | None:
        revision = revision_of(request, machine)
        rows = machine.rows_at(revision)
        if isinstance(rows, Refused):
            return rows
        response.read_revision = revision
        fill_range(response, read(rows, request, self._range_bytes_max))
        return None

    def _head(self, header: ResponseHeader, ballot_round: int, revision: int) -> None:
        """Who answers, when in the shard's history, and under which ballot."""
        header.cluster = self._cluster
        header.shard = self._shard
        header.node = self._node
        header.ballot_round = ballot_round
        header.revision = revision


def _get(request: GetRequest, response: GetResponse, machine: Machine) -> Refused | None:
    revision = revision_of(request, machine)
    rows = machine.rows_at(revision)
    if isinstance(rows, Refused):
        return rows
    response.read_revision = revision
    row = rows.get(request.key)
    if row is not None:
        fill_row(response.kv, row)
    return None


def _transaction(request: TxnRequest, response: TxnResponse, machine: Machine) -> Refused | None:
    result = machine.read_transaction(request)
    if isinstance(result, Refused):
        return result
    fill_transaction(response, result)
    return None


def revision_of(request: GetRequest | RangeRequest, machine: Machine) -> int:
    """Which revision is to be read; it may be refused."""
    if request.at_unix_ms:
        return machine.revision_at(request.at_unix_ms)
    return request.revision or machine.revision


_REFUSALS: Mapping[Reason.ValueType, Callable[[str], Reply]] = {
    Reason.INVALID: failures.invalid,
    Reason.TOO_LARGE: failures.too_large,
    Reason.FUTURE_REVISION: failures.future_revision,
    Reason.EXPIRED: failures.expired,
}


def refused(refusal: Refused) -> Reply:
    """A request that the machine refuses, whether asked before the log or at apply."""
    if refusal.reason == Reason.COMPACTED:
        return failures.compacted(refusal.message, refusal.compact_revision)
    return _REFUSALS[refusal.reason](refusal.message)
