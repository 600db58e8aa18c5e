"""The deterministic state machine of one shard. Nothing here awaits, reads a clock or draws a random number.

Everything that a replica ever answers follows from the payloads of slots 1, 2, 3, ... in this order. DESIGN.md
numbers the invariants.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import CompactRequest, DeleteRequest, PutRequest, TxnRequest
from ostraka.v1.session_pb2 import CloseRequest, RegisterRequest
from ostraka_server.machine.base import Base, Delta, MachineState, Row, row_put
from ostraka_server.machine.deleting import doomed
from ostraka_server.machine.effects import Effects
from ostraka_server.machine.entry import opened
from ostraka_server.machine.history import History
from ostraka_server.machine.layers import Layers
from ostraka_server.machine.moments import Moments
from ostraka_server.machine.past import Past
from ostraka_server.machine.records import Records
from ostraka_server.machine.results import CompactResult, DeleteResult, Done, PutResult, Refused, Result, TxnResult
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.sessions import Session, Sessions
from ostraka_server.machine.transaction import execute
from ostraka_server.machine.validation import refuse_client, refuse_shape, refuse_transaction_shape
from ostraka_server.machine.workspace import Workspace


class Machine:
    """One shard's current rows and revision, on top of the checkpoint `base` whose state is `state`."""

    def __init__(self, base: Base, state: MachineState, *, cache_bytes_max: int = 16 << 20) -> None:
        self._layers = Layers(base, cache_bytes_max)
        self._history, self._moments, self._sessions = History(), Moments(), Sessions()
        self._records = Records(base.records(), (self._history, self._moments, self._sessions))
        self._applied_slot, self._revision, self._digest = state
        self._flushed_slot = self._flushing_slot = state.applied_slot
        self._flushed_compact_revision = self._flushing_compact_revision = self._history.compact_revision

    @property
    def applied_slot(self) -> int:
        """The last slot whose entry was applied; 0 before the first."""
        return self._applied_slot

    @property
    def revision(self) -> int:
        """The shard's counter of applied writes; 1 when it is empty."""
        return self._revision

    @property
    def digest(self) -> bytes:
        """16 bytes over the effects of every slot so far: equal on all replicas with the same `applied_slot`."""
        return self._digest

    def apply(self, slot: int, payload: bytes) -> list[Result]:
        """Execute a decided entry; one result per command, in order. Deterministic, and no command can make it raise.

        Raises UnknownEntry, with nothing changed, for a payload that this version cannot execute. Any other exception
        comes from the base and leaves the machine unusable.
        """
        assert slot == self._applied_slot + 1, f"slot {slot} after slot {self._applied_slot}"
        wall_ms, commands = opened(slot, payload)
        effects = Effects(self._digest, slot)
        before = self._revision
        results = [self._execute(data, effects) for data in commands]
        if self._revision != before:
            effects.moment(self._moments.note(wall_ms, self._revision))
        self._applied_slot, self._digest = slot, effects.digest()
        return results

    def _execute(self, data: bytes, effects: Effects) -> Result:
        result: Result
        try:
            command = Command.FromString(data)
        except DecodeError:
            result = Refused(common_pb2.INVALID, "the command is not a protobuf message")
        else:
            client = command.client
            result = self._once(client, command, effects) if client else self._perform(command, effects)
        if type(result) is Refused:
            effects.refuse(result.reason)
        return result

    def _once(self, client: int, command: Command, effects: Effects) -> Result:
        """A write that its client may send again."""
        sequence = command.sequence
        found = self._sessions.enter(client, sequence, command.answered_below, effects)
        if not isinstance(found, Session):
            return found
        result = self._perform(command, effects)
        self._sessions.keep(found, sequence, result, effects)
        return result

    def _perform(self, command: Command, effects: Effects) -> Result:
        kind = command.WhichOneof("request")
        if kind == "put":
            put = command.put
            return refuse_shape(put) or self._put(put, effects)
        if kind == "delete":
            return refuse_shape(command.delete) or self._delete(command.delete, effects)
        if kind == "txn":
            return refuse_transaction_shape(command.txn) or self._transact(command.txn, effects)
        if kind == "compact":
            return self._compact(command.compact, effects)
        if kind == "register" and not command.client:
            return refuse_client(command.register) or self._register(command.register, effects)
        if kind == "close" and not command.client:
            return refuse_client(command.close) or self._close(command.close, effects)
        return Refused(common_pb2.INVALID, "the command carries no write that is known here")

    def _register(self, request: RegisterRequest, effects: Effects) -> Done | Refused:
        return self._sessions.register(request.client, effects) or Done(self._revision)

    def _close(self, request: CloseRequest, effects: Effects) -> Done:
        self._sessions.close(request.client, effects)
        return Done(self._revision)

    def _put(self, request: PutRequest, effects: Effects) -> PutResult:
        key = request.key
        prev = self._layers.get(key)
        self._revision = revision = self._revision + 1
        row = row_put(key, request.value, prev, revision)
        self._layers.put(row, prev)
        effects.put(row)
        return PutResult(revision, prev if request.prev_kv else None)

    def _delete(self, request: DeleteRequest, effects: Effects) -> DeleteResult | Refused:
        found = doomed(self._layers, request)
        if isinstance(found, Refused):
            return found
        rows = found.rows
        if rows:
            self._revision += 1
            effects.delete(self._revision, rows)
            for row in rows:
                self._layers.delete(row, self._revision)
        return DeleteResult(self._revision, len(rows), rows if request.prev_kv else ())

    def _transact(self, request: TxnRequest, effects: Effects) -> TxnResult | Refused:
        workspace = Workspace(self._layers, self._revision)
        result = execute(request, workspace, self.rows_at)
        if isinstance(result, TxnResult):
            effects.transact(result.succeeded, len(workspace.writes))
            workspace.commit(self._layers, effects)
            self._revision = workspace.revision
        return result

    def read_transaction(self, request: TxnRequest) -> TxnResult | Refused:
        """What a transaction answers that writes nothing, in the present state."""
        return execute(request, Workspace(self._layers, self._revision), self.rows_at)

    def _compact(self, request: CompactRequest, effects: Effects) -> CompactResult | Refused:
        revision = request.revision
        refused = self._history.compact(revision, self._revision)
        if refused is not None:
            return refused
        self._moments.prune(revision)
        effects.compact(revision)
        return CompactResult(self._revision)

    def get(self, key: bytes) -> Row | None:
        """The row of `key`, or None if it does not exist."""
        return self._layers.get(key)

    @property
    def rows(self) -> Rows:
        """The present state."""
        return self._layers

    def rows_at(self, revision: int) -> Rows | Refused:
        """The state as of `revision`; 0 means the present. Refused where it is compacted, or not made yet."""
        if revision in (0, self._revision):
            return self._layers
        return self._history.refuse_read(revision, self._revision) or Past(self._layers, revision)

    def revision_at(self, unix_ms: int) -> int:
        """The last revision made by then, by the leaders' clocks; the present one for the future. May be compacted."""
        return self._moments.revision_at(unix_ms)

    @property
    def compact_revision(self) -> int:
        """The oldest revision that can be read; 0 where none was given up yet."""
        return self._history.compact_revision

    @property
    def reclaimable_revision(self) -> int:
        """`compact_revision` as the base has it: rows that ended by then are garbage there for good. What is compacted
        since may be read again if the node starts anew from there, until the log is applied once more."""
        return self._flushed_compact_revision

    @property
    def sessions(self) -> int:
        """Clients that are registered."""
        return len(self._sessions)

    @property
    def evictions(self) -> int:
        """Clients forgotten for others, since this machine was made."""
        return self._sessions.evicted

    @property
    def repeats(self) -> int:
        """Writes that were answered again and not executed, since this machine was made."""
        return self._sessions.repeats

    @property
    def unflushed_entries(self) -> int:
        """Applied slots that no ended flush covers."""
        return self._applied_slot - self._flushed_slot

    @property
    def unflushed_bytes(self) -> int:
        """Estimated memory of the changes that no ended flush covers."""
        return self._layers.size_bytes

    def begin_flush(self) -> Delta | None:
        """All that was applied since the last flush began, to be written as one transaction; None if nothing was.

        The machine goes on meanwhile; nothing changes the delta any more, so another thread may write it. If writing
        fails the same delta may be written again. Only one flush at a time: `end_flush` comes first.
        """
        if self._flushing_slot == self._applied_slot:
            return None
        frozen = self._layers.begin_flush(self._applied_slot)
        self._flushing_slot = self._applied_slot
        self._flushing_compact_revision = self._history.compact_revision
        past = frozen.past(self._flushing_compact_revision)
        state = MachineState(self._applied_slot, self._revision, self._digest)
        return Delta(frozen.rows, past, self._records.changed(), state)

    def end_flush(self) -> None:
        """The base now holds the delta of `begin_flush`."""
        self._layers.end_flush()
        self._flushed_slot = self._flushing_slot
        self._flushed_compact_revision = self._flushing_compact_revision
