"""Transactions: compares, then one list of operations or the other. Decided on a workspace, which the machine commits.

etcd's order: all compares first, those of nested transactions too, on what was there before; then the operations of the
lists so chosen, each of which sees the writes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ostraka.v1 import common_pb2
from ostraka.v1.kv_pb2 import DeleteRequest, GetRequest, Operation, PutRequest, RangeRequest, TxnRequest
from ostraka_server.machine.base import Row
from ostraka_server.machine.compare import holds
from ostraka_server.machine.deleting import DELETE_BYTES_MAX, doomed
from ostraka_server.machine.results import (
    DeleteResult,
    OperationResult,
    PutResult,
    RangeResult,
    ReadResult,
    Refused,
    TxnResult,
)
from ostraka_server.machine.room import Room, RoomSpent
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.walking import Walk, answer_bytes
from ostraka_server.machine.workspace import Workspace

TXN_RESPONSE_BYTES_MAX = 3 << 20
"""Most that the answer to a transaction may take: beyond it, it is refused and changes nothing. Part of the entry
format, not configuration, as with DELETE_PREV_BYTES_MAX."""

TXN_ROWS_MAX = 20_000
"""Most rows that ranges and compares of a transaction may look at, in some 0.1 s: it is carried out in one turn of the
event loop. Long values count as several, 64 keys that are only counted as one. Part of the entry format too."""

_OPERATION_BYTES = 64
"""What an operation takes in an answer beside its rows, at most."""

_Of = Callable[[int], Rows | Refused]


def execute(request: TxnRequest, workspace: Workspace, past: _Of) -> TxnResult | Refused:
    """Carry out a well-formed transaction on a fresh workspace; `past` gives the rows of an older revision. A refusal
    leaves something half done there, which nobody must commit."""
    try:
        return _Execution(request, workspace, past).run(request)
    except _Refusal as refusal:
        return refusal.refused
    except RoomSpent:
        return _TOO_MUCH


class _Refusal(Exception):
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


class _Execution:
    def __init__(self, request: TxnRequest, workspace: Workspace, past: _Of) -> None:
        self._room_to_read = Room(TXN_ROWS_MAX)
        self._outcomes = iter(list(_outcomes(request, workspace, self._room_to_read)))
        self._workspace = workspace
        self._past = past
        self._bytes_left = TXN_RESPONSE_BYTES_MAX
        self._room_to_delete = DELETE_BYTES_MAX

    def run(self, request: TxnRequest) -> TxnResult:
        succeeded = next(self._outcomes)
        results = [self._do(operation) for operation in _chosen(request, succeeded)]
        return TxnResult(self._workspace.revision, succeeded, results)

    def _do(self, operation: Operation) -> OperationResult:
        self._spend(_OPERATION_BYTES)
        kind = operation.WhichOneof("request")
        if kind == "get":
            return self._get(operation.get)
        if kind == "range":
            return self._range(operation.range)
        if kind == "put":
            return self._put(operation.put)
        if kind == "delete":
            return self._delete(operation.delete)
        assert kind == "txn", "refuse_shape let it pass"
        return self.run(operation.txn)

    def _get(self, request: GetRequest) -> ReadResult:
        row = self._rows(request.revision).get(request.key)
        if row is not None:
            self._spend(answer_bytes(row))
        return self._have_read(request.revision, row)

    def _range(self, request: RangeRequest) -> ReadResult:
        found = Walk(request, self._bytes_left).go_on(self._rows(request.revision), self._room_to_read)
        if found is None:
            raise RoomSpent
        self._spend(sum(map(answer_bytes, found.rows)))
        if found.more and len(found.rows) != request.limit:
            raise _too_large()
        return self._have_read(request.revision, found)

    def _put(self, request: PutRequest) -> PutResult:
        prev = self._workspace.put(request.key, request.value)
        if prev is None or not request.prev_kv:
            return PutResult(self._workspace.revision, None)
        self._spend(answer_bytes(prev))
        return PutResult(self._workspace.revision, prev)

    def _delete(self, request: DeleteRequest) -> DeleteResult:
        found = doomed(self._workspace, request, self._room_to_delete)
        if isinstance(found, Refused):
            raise _Refusal(found)
        rows, self._room_to_delete = found.rows, self._room_to_delete - found.size
        if request.prev_kv:
            self._spend(sum(map(answer_bytes, rows)))
        if rows:
            self._workspace.delete(rows)
        return DeleteResult(self._workspace.revision, len(rows), rows if request.prev_kv else ())

    def _rows(self, revision: int) -> Rows:
        rows = self._past(revision) if revision else self._workspace
        if isinstance(rows, Refused):
            raise _Refusal(rows)
        return rows

    def _have_read(self, revision: int, found: Row | RangeResult | None) -> ReadResult:
        return ReadResult(self._workspace.revision, revision or self._workspace.revision, found)

    def _spend(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise _too_large()


_TOO_MUCH = Refused(
    common_pb2.TOO_LARGE,
    f"its ranges and compares would look at over TXN_ROWS_MAX rows, {TXN_ROWS_MAX}, in one go: look at smaller ranges, "
    "without_count where the count is not needed, or read outside a transaction",
)


def _too_large() -> _Refusal:
    message = f"its answer is over {TXN_RESPONSE_BYTES_MAX} bytes: read less in one transaction"
    return _Refusal(Refused(common_pb2.TOO_LARGE, message))


def _outcomes(request: TxnRequest, rows: Rows, room: Room) -> Iterator[bool]:
    """Whether its compares hold, then those of each nested transaction that is to be done, in the order of doing."""
    succeeded = all(holds(compare, rows, room) for compare in request.compares)
    yield succeeded
    for operation in _chosen(request, succeeded):
        if operation.HasField("txn"):
            yield from _outcomes(operation.txn, rows, room)


def _chosen(request: TxnRequest, succeeded: bool) -> Sequence[Operation]:
    return request.then if succeeded else request.otherwise
