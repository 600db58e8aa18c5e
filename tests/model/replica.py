"""The real machine on a real store, put through what a node puts it through: flushes, restarts, snapshots."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.machine import EMPTY_STATE, Delta, Machine, MachineState, Room, validate
from ostraka_server.shard.answers import Answers, refused
from ostraka_server.shard.calls import Call
from ostraka_server.shard.long_reads import LongRead
from ostraka_server.store import ConnectionFactory, Owner, Store, complete, take
from tests.model.outcome import Outcome, Refusal

OWNER = Owner("cluster", "node", 1)
ANSWERS = Answers(cluster=0, shard=0, node="", range_bytes_max=1 << 20)
FEW_BYTES = Answers(cluster=0, shard=0, node="", range_bytes_max=100)
"""Of a header only the revision is told."""
_BALLOT_ROUND = 0


class _Limits:
    key_bytes_max = value_bytes_max = 1 << 20
    txn_operations_max = 128


class Replica:
    """`entries` are the decided ones, shared with all who execute them: what is not in the store is done again."""

    def __init__(self, factory: ConnectionFactory, entries: Sequence[bytes], *, cache_bytes_max: int) -> None:
        self._factory = factory
        self._entries = entries
        self._delta: Delta | None = None
        self._open(cache_bytes_max)

    def _open(self, cache_bytes_max: int) -> None:
        self._store = Store.open(self._factory, OWNER)
        state = self._store.state()
        self.machine = Machine(
            self._store, MachineState(*state) if state else EMPTY_STATE, cache_bytes_max=cache_bytes_max
        )
        self._delta = None
        for slot in range(self.machine.applied_slot + 1, len(self._entries) + 1):
            self.machine.apply(slot, self._entries[slot - 1])

    def close(self) -> None:
        self._store.close()

    def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """Execute the last entry, which begins with these; what their senders are told."""
        results = self.machine.apply(len(self._entries), self._entries[-1])
        answered = zip(commands, results, strict=False)
        return [
            _outcome(ANSWERS.to_write(_call(each), result, self.machine, _BALLOT_ROUND)) for each, result in answered
        ]

    def read(self, command: Command, *, bounded: bool = False) -> Outcome:
        """What the sender of a read is told; `bounded`: in so few bytes that a range is soon cut."""
        call = _call(command)
        refusal = validate(call.request, _Limits())
        answers = FEW_BYTES if bounded else ANSWERS
        if refusal:
            return _outcome(refused(refusal))
        if call.walks:
            return _outcome(self._walked(call, answers))
        return _outcome(answers.to_read(call, self.machine, _BALLOT_ROUND))

    def _walked(self, call: Call, answers: Answers) -> Reply:
        """Row by row, and with steps of a flush in between."""
        read = LongRead(call, answers)
        while (reply := read.go_on(self.machine, Room(0), as_of=0.0, ballot_round=_BALLOT_ROUND)) is None:
            self.flush()
        return reply

    def flush(self) -> None:
        """The next step of one: begin it, write it, write it again, as whoever does not know whether it was written."""
        if self._delta is None:
            self._delta = self.machine.begin_flush()
        else:
            self._store.write(self._delta)

    def end_flush(self) -> None:
        """What is begun is written, and the machine told."""
        if self._delta is not None:
            self._store.write(self._delta)
            self.machine.end_flush()
            self._delta = None

    def reclaim(self, blocks_max: int) -> None:
        """A bite of what no read asks for any more."""
        self._store.reclaim(self.machine.reclaimable_revision, blocks_max)

    def restart(self, *, cache_bytes_max: int) -> None:
        """Memory is lost, and with it a flush that was not written."""
        self.close()
        self._open(cache_bytes_max)

    def install(self, other: Replica, *, cache_bytes_max: int) -> None:
        """Begin anew with the other's checkpoint."""
        snapshot = take(other._factory)
        image = self._factory.receive()
        image.write(0, snapshot.image.read(0, snapshot.image.size))
        self.close()
        assert complete(image, snapshot.digest, OWNER)
        self._factory.replace(image)
        self._open(cache_bytes_max)


def _call(command: Command) -> Call:
    return Call(command.SerializeToString(), command, 0.0, lambda reply: None)


def _outcome(reply: Reply) -> Outcome:
    if not reply.HasField("error"):
        return reply
    detail = reply.error.detail
    assert detail.surely_not_done or detail.reason == Reason.ANSWER_LOST, reply
    return Refusal(detail.reason, detail.compact_revision)
