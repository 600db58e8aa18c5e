"""Writes on their way into the log: queued, gathered into entries, matched with what was decided.

Rule 1: a queued write surely had no effect; it may be sent elsewhere.
Rule 2: a proposed write's fate is its slot's. Entries carry who proposed them and a running number, so that no two are
equal: the slot decided with the very bytes means done, with other bytes surely not done, nothing yet means unknown.
Rule 3: a slot may be proposed for twice. Who leads again may be promised by a quorum that never saw what it proposed
before, and begin below it; a third leader may still find either of the two, and get it decided.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from ostraka_server.machine.entry import ENTRY_FORMAT
from ostraka_server.paxos import Ballot, Entry, ReplicaId
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from ostraka_server.wire.entry_pb2 import Entry as EntryPayload

ENTRY_BYTES_MAX = 1 << 20
"""Commands are gathered into an entry up to so many bytes; a single larger one gets an entry of its own."""

ENTRY_COMMANDS_MAX = 4096

ENDED_BYTES_MAX = 8 << 20
"""Writes are gathered into an entry until the values that they end are so large: these become the past, which is held
until the store has it, and only between two entries a machine waits for its store."""

_COMMAND_FRAME_BYTES = 6
"""What an entry spends on a command beside its bytes, at most."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Writes that share an entry."""

    payload: bytes
    calls: tuple[Call, ...]


class Proposals:
    """One group's writes on this node."""

    def __init__(
        self, proposer: ReplicaId, value_bytes: Callable[[bytes], int], entry_bytes_max: int = ENTRY_BYTES_MAX
    ) -> None:
        """`value_bytes`: how large the value of a key is at present."""
        self._proposer = proposer
        self._value_bytes = value_bytes
        self._entry_bytes_max = entry_bytes_max
        self._queue: deque[Call] = deque()
        self._number = 0
        self._proposed: defaultdict[int, list[Batch]] = defaultdict(list)

    @property
    def queued(self) -> int:
        """How many writes wait to be proposed."""
        return len(self._queue)

    def __len__(self) -> int:
        return len(self._queue) + len(self._proposed)

    def add(self, call: Call) -> None:
        """Queue a write. The gateway bounds how many calls there are."""
        self._queue.append(call)

    def next_batch(self, ballot: Ballot, wall_ms: int) -> Batch | None:
        """Gather queued writes into one entry, stamped with the time; None where none is queued.

        What deletes ranges has an entry to itself: between two entries a machine can wait for its store."""
        calls: list[Call] = []
        size = ended = 0
        while self._queue and len(calls) < ENTRY_COMMANDS_MAX:
            call = self._queue[0]
            if not call.is_answered:
                size += len(call.command) + _COMMAND_FRAME_BYTES
                if call.kind == "put":  # nearly always
                    ended += self._value_bytes(call.request.key)
                else:
                    size += self._entry_bytes_max if call.deletes_ranges else 0  # for what it may take when applied
                    ended += sum(map(self._value_bytes, call.written_keys))
                if calls and (size > self._entry_bytes_max or ended > ENDED_BYTES_MAX):
                    break
                calls.append(call)
            self._queue.popleft()
        if not calls:
            return None
        self._number += 1
        entry = EntryPayload(
            format=ENTRY_FORMAT,
            proposer=self._proposer,
            round=ballot.round,
            number=self._number,
            wall_ms=wall_ms,
            commands=[call.command for call in calls],
        )
        return Batch(entry.SerializeToString(), tuple(calls))

    def proposed(self, slot: int, batch: Batch) -> None:
        """`batch` was proposed for `slot`."""
        self._proposed[slot].append(batch)

    def settle(self, entry: Entry) -> tuple[tuple[Call, ...], list[Call]]:
        """The writes that the decided entry carries, in its order, and those that lost their slot to it."""
        carried: tuple[Call, ...] = ()
        lost: list[Call] = []
        for batch in self._proposed.pop(entry.slot, ()):
            if batch.payload == entry.payload:
                carried = batch.calls
            else:
                lost.extend(batch.calls)
        return carried, lost

    def forget(self, through: int) -> list[Call]:
        """The writes proposed for slots up to `through`, whose entries nobody will show here any more."""
        passed = [slot for slot in self._proposed if slot <= through]
        return [call for slot in passed for batch in self._proposed.pop(slot) for call in batch.calls]

    def take_queued(self) -> list[Call]:
        """Give up what is queued, for someone else to take: this replica does not lead."""
        queued = [call for call in self._queue if not call.is_answered]
        self._queue.clear()
        return queued

    def expire(self, now: float) -> None:
        """Answer the calls whose deadline has passed, truthfully; forget the queued ones that have their answer."""
        for call in self._queue:
            if call.deadline <= now:
                call.answer(failures.deadline(surely_not_done=True))
        self._queue = deque(call for call in self._queue if not call.is_answered)
        for batches in self._proposed.values():
            for call in (call for batch in batches for call in batch.calls):
                if call.deadline <= now:
                    call.answer(failures.deadline(surely_not_done=False))
