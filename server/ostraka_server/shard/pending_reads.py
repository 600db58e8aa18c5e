"""Reads that wait for a read point: gathered, confirmed together, answered once the state has applied it.

Who confirms is the same to them: a quorum's round where this replica leads, else the leader (`read_points.py`).
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from ostraka_server.shard.calls import Call


class _Asked(NamedTuple):
    calls: list[Call]
    at: float


class _Confirmed(NamedTuple):
    slot: int
    asked: _Asked


class PendingReads:
    """One group's on this node. A read number stands for all reads gathered in one turn."""

    def __init__(self, first_number: int = 1) -> None:
        self._next_number = first_number
        self._queued: list[Call] = []
        self._asked: dict[int, _Asked] = {}
        self._confirmed: list[_Confirmed] = []
        self._fresh_slot, self._fresh_at = 0, -inf  # the latest read point that was applied, and when it was asked for

    def __len__(self) -> int:
        return len(self._queued) + len(self._asked) + len(self._confirmed)

    @property
    def calls(self) -> int:
        """How many reads wait here."""
        waiting = (*self._asked.values(), *(each.asked for each in self._confirmed))
        return len(self._queued) + sum(len(asked.calls) for asked in waiting)

    @property
    def queued(self) -> bool:
        """Whether reads wait to be asked for."""
        return bool(self._queued)

    def add(self, call: Call) -> None:
        """A read arrived."""
        self._queued.append(call)

    def ask(self, now: float) -> int:
        """Number the reads gathered since the last call, be it none, to ask for their read point now."""
        number = self._next_number
        self._next_number += 1
        self._asked[number] = _Asked(self._queued, now)
        self._queued = []
        return number

    def ask_again(self, read: int) -> None:
        """No answer came to this number: its reads wait for the next one."""
        self._queued = [*self._asked.pop(read).calls, *self._queued]

    def confirmed(self, read: int, slot: int) -> None:
        """The reads of this number may be answered once `slot` is applied."""
        self._confirmed.append(_Confirmed(slot, self._asked.pop(read)))

    def failed(self, read: int) -> list[Call]:
        """This replica can no longer confirm them: somebody else may."""
        return [call for call in self._asked.pop(read).calls if not call.is_answered]

    def take_queued(self, *, but_local: bool = False) -> list[Call]:
        """Give up what was not asked for yet, for somebody else to answer; `but_local`: except what any replica may."""
        queued, self._queued = [call for call in self._queued if not call.is_answered], []
        if but_local:
            self._queued = [call for call in queued if call.is_local_read]
            queued = [call for call in queued if not call.is_local_read]
        return queued

    def take_ready(self, applied_slot: int) -> list[Call]:
        """The confirmed reads whose read point is applied."""
        if not self._confirmed:
            return []
        ready = [each for each in self._confirmed if each.slot <= applied_slot]
        self._confirmed = [each for each in self._confirmed if each.slot > applied_slot]
        for slot, asked in ready:
            if asked.at > self._fresh_at or self._fresh_slot > applied_slot:
                self._fresh_slot, self._fresh_at = slot, asked.at
        return [call for each in ready for call in each.asked.calls]

    def staleness(self, applied_slot: int, now: float) -> float:
        """Seconds by which the state after `applied_slot` may lag behind what was acknowledged anywhere; infinite where
        nobody can tell. A state that a snapshot put back counts only once it has come to the read point again."""
        return now - self.as_of(applied_slot)

    def as_of(self, applied_slot: int) -> float:
        """By when all that was acknowledged is in the state after `applied_slot`; `-inf` where nobody can tell."""
        return self._fresh_at if self._fresh_slot <= applied_slot else -inf

    def expire(self, now: float) -> None:
        """Answer the reads that have waited long enough, and forget all that have their answer."""
        self._queued = _unexpired(self._queued, now)
        for asked in (*self._asked.values(), *(each.asked for each in self._confirmed)):
            asked.calls[:] = _unexpired(asked.calls, now)
        self._confirmed = [each for each in self._confirmed if each.asked.calls]


def _unexpired(calls: list[Call], now: float) -> list[Call]:
    for call in calls:
        call.expire(now)
    return [call for call in calls if not call.is_answered]
