"""Linearizable reads on their way: gathered, confirmed together, answered once the state has applied the read point."""

from __future__ import annotations

from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call


class PendingReads:
    """One group's confirmed reads on this node. A read number stands for all reads gathered in one turn."""

    def __init__(self) -> None:
        self._queued: list[Call] = []
        self._asked: dict[int, list[Call]] = {}
        self._confirmed: list[tuple[int, list[Call]]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._queued) + len(self._asked) + len(self._confirmed)

    @property
    def calls(self) -> int:
        """How many reads wait here."""
        asked = sum(map(len, self._asked.values()))
        return len(self._queued) + asked + sum(len(calls) for _, calls in self._confirmed)

    def add(self, call: Call) -> None:
        """A read arrived."""
        self._queued.append(call)

    def ask(self) -> int | None:
        """Number the reads gathered since the last call; None where there are none."""
        if not self._queued:
            return None
        self._number += 1
        self._asked[self._number] = self._queued
        self._queued = []
        return self._number

    def confirmed(self, read: int, read_point: int) -> None:
        """The reads of this number may be answered once the read point is applied."""
        self._confirmed.append((read_point, self._asked.pop(read)))

    def failed(self, read: int) -> list[Call]:
        """This replica can no longer confirm them: somebody else may."""
        return [call for call in self._asked.pop(read) if not call.is_answered]

    def take_queued(self) -> list[Call]:
        """Give up what was not asked for yet: this replica does not lead."""
        queued, self._queued = self._queued, []
        return [call for call in queued if not call.is_answered]

    def take_ready(self, applied_slot: int) -> list[Call]:
        """The confirmed reads whose read point is applied."""
        if not self._confirmed:
            return []
        ready = [call for point, calls in self._confirmed if point <= applied_slot for call in calls]
        self._confirmed = [(point, calls) for point, calls in self._confirmed if point > applied_slot]
        return ready

    def expire(self, now: float) -> None:
        """Answer the reads whose deadline has passed, and forget all that have their answer."""
        self._queued = _unexpired(self._queued, now)
        self._asked = {read: _unexpired(calls, now) for read, calls in self._asked.items()}
        self._confirmed = [(point, _unexpired(calls, now)) for point, calls in self._confirmed]


def _unexpired(calls: list[Call], now: float) -> list[Call]:
    for call in calls:
        if call.deadline <= now:
            call.answer(failures.deadline(surely_not_done=True))
    return [call for call in calls if not call.is_answered]
