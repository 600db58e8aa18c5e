"""Writes on their way into the log: queued, gathered into entries, matched with what was decided.

Rule 1: a queued write surely had no effect; it may be sent elsewhere.
Rule 2: a proposed write's fate is its slot's. Entries carry who proposed them and a running number, so that no two are
equal: the slot decided with the very bytes means done, with other bytes surely not done, nothing yet means unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ostraka_server.machine.entry import ENTRY_FORMAT
from ostraka_server.paxos import Ballot, Entry, ReplicaId
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from ostraka_server.wire.entry_pb2 import Entry as EntryPayload

ENTRY_BYTES_MAX = 1 << 20
"""Commands are gathered into an entry up to so many bytes; a single larger one gets an entry of its own."""

ENTRY_COMMANDS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Batch:
    """Writes that share an entry."""

    payload: bytes
    calls: tuple[Call, ...]


class Proposals:
    """One group's writes on this node."""

    def __init__(self, proposer: ReplicaId) -> None:
        self._proposer = proposer
        self._queue: deque[Call] = deque()
        self._number = 0
        self._proposed: dict[int, Batch] = {}

    @property
    def queued(self) -> bool:
        """Whether there is something to propose."""
        return bool(self._queue)

    def __len__(self) -> int:
        return len(self._queue) + len(self._proposed)

    def add(self, call: Call) -> None:
        """Queue a write. The gateway bounds how many calls there are."""
        self._queue.append(call)

    def next_batch(self, ballot: Ballot) -> Batch | None:
        """Gather queued writes into one entry; None where none is queued."""
        calls: list[Call] = []
        size = 0
        while self._queue and len(calls) < ENTRY_COMMANDS_MAX:
            call = self._queue[0]
            if calls and size + len(call.command) > ENTRY_BYTES_MAX:
                break
            self._queue.popleft()
            if not call.is_answered:
                calls.append(call)
                size += len(call.command)
        if not calls:
            return None
        self._number += 1
        entry = EntryPayload(
            format=ENTRY_FORMAT,
            proposer=self._proposer,
            round=ballot.round,
            number=self._number,
            commands=[call.command for call in calls],
        )
        return Batch(entry.SerializeToString(), tuple(calls))

    def proposed(self, slot: int, batch: Batch) -> None:
        """`batch` was proposed for `slot`. An earlier one for the same slot was never decided there: it lost its slot
        to a ballot in between, which discarded it, or this replica led twice; its calls stay unknown until they expire.
        """
        self._proposed[slot] = batch

    def settle(self, entry: Entry) -> tuple[tuple[Call, ...], bool]:
        """The writes that waited for this slot, and whether the decided entry is theirs."""
        batch = self._proposed.pop(entry.slot, None)
        if batch is None:
            return (), False
        return batch.calls, batch.payload == entry.payload

    def take_queued(self) -> list[Call]:
        """Give up what is queued, for someone else to take: this replica does not lead."""
        queued = [call for call in self._queue if not call.is_answered]
        self._queue.clear()
        return queued

    def expire(self, now: float) -> None:
        """Answer the calls whose deadline has passed, truthfully."""
        while self._queue and self._queue[0].is_answered:
            self._queue.popleft()
        for call in self._queue:
            if call.deadline <= now:
                call.answer(failures.deadline(surely_not_done=True))
        for call in self._in_flight():
            if call.deadline <= now:
                call.answer(failures.deadline(surely_not_done=False))

    def fail_all(self) -> None:
        """The replica stops for good."""
        for call in self._in_flight():
            call.answer(failures.leadership_lost(surely_not_done=False))
        self._proposed.clear()

    def _in_flight(self) -> Iterator[Call]:
        for batch in self._proposed.values():
            yield from batch.calls
