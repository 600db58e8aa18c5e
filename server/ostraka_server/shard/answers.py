"""What the machine says, as the API says it."""

from __future__ import annotations

from ostraka.v1.common_pb2 import KeyValue, Reason, ResponseHeader
from ostraka.v1.exchange_pb2 import Reply
from ostraka.v1.kv_pb2 import DeleteResponse, GetResponse, PutResponse, RangeResponse
from ostraka_server.machine import DeleteResult, Machine, PutResult, Refused, Result
from ostraka_server.machine.base import Row
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call


class Answers:
    """Replies of one shard's replica on one node."""

    def __init__(self, *, cluster: int, shard: int, node: str, range_bytes_max: int) -> None:
        self._cluster = cluster
        self._shard = shard
        self._node = node
        self._range_bytes_max = range_bytes_max

    def header(self, ballot_round: int, revision: int) -> ResponseHeader:
        """Who answered, when in the shard's history, and under which ballot."""
        return ResponseHeader(
            cluster=self._cluster, shard=self._shard, node=self._node, ballot_round=ballot_round, revision=revision
        )

    def to_write(self, call: Call, result: Result, machine: Machine, ballot_round: int) -> Reply:
        """The reply to an applied write."""
        if isinstance(result, PutResult):
            header = self.header(ballot_round, result.revision)
            return Reply(put=PutResponse(header=header, prev_kv=_optional(result.prev)))
        if isinstance(result, DeleteResult):
            header = self.header(ballot_round, result.revision)
            prev = [_key_value(row) for row in result.prev]
            return Reply(delete=DeleteResponse(header=header, deleted=result.deleted, prev_kvs=prev))
        return refused(result)

    def to_read(self, call: Call, machine: Machine, ballot_round: int) -> Reply:
        """The reply to a read of the machine's present state."""
        header = self.header(ballot_round, machine.revision)
        if call.kind == "get":
            return Reply(get=GetResponse(header=header, kv=_optional(machine.get(call.parsed.get.key))))
        request = call.parsed.range
        found = machine.range(
            request.key,
            request.range_end,
            bytes_max=self._range_bytes_max,
            limit=request.limit,
            keys_only=request.keys_only,
            count_only=request.count_only,
        )
        kvs = [_key_value(row) for row in found.rows]
        return Reply(range=RangeResponse(header=header, kvs=kvs, more=found.more, count=found.count))


def refused(refusal: Refused) -> Reply:
    """A request that the machine refuses, whether asked before the log or at apply."""
    make = failures.too_large if refusal.reason == Reason.TOO_LARGE else failures.invalid
    return make(refusal.message)


def _optional(row: Row | None) -> KeyValue | None:
    return None if row is None else _key_value(row)


def _key_value(row: Row) -> KeyValue:
    return KeyValue(
        key=row.key,
        value=row.value,
        create_revision=row.create_revision,
        mod_revision=row.mod_revision,
        version=row.version,
    )
