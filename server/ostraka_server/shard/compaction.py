"""Automatic compaction: whoever leads a group gives up the history that nobody is promised.

What is younger than `age_ms` and among the newest `revisions` is kept. Compactions are logged commands like anyone's,
so a new leader just goes on; and they are worth their while: each gives up a tenth of the history at least.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ostraka.clock import Clock, WallClock
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import CompactRequest
from ostraka_server.machine import Machine
from ostraka_server.shard.calls import Call
from ostraka_server.shard.group import Group

LOOK_S = 5.0
"""A leader looks this often whether there is something to give up."""

WORTHWHILE = 10
"""One part in so many of the history."""


class Kept(Protocol):
    """How much history is kept; 0 switches a rule off."""

    @property
    def age_ms(self) -> int: ...
    @property
    def revisions(self) -> int: ...


def due(machine: Machine, unix_ms: int, kept: Kept) -> int | None:
    """The revision to compact to, at this time; None while it is not worth it."""
    revision = machine.revision
    by_age = machine.revision_at(unix_ms - kept.age_ms) if kept.age_ms else 1
    by_number = revision - kept.revisions if kept.revisions else 1
    oldest, wanted = max(1, machine.compact_revision), max(by_age, by_number)
    return wanted if wanted > oldest and (wanted - oldest) * WORTHWHILE >= revision - oldest else None


class Compactor:
    """One group's on this node."""

    def __init__(self, group: Group, kept: Kept, clock: Clock, wall: WallClock, wake: Callable[[], None]) -> None:
        """`wake` has the driver turn the group."""
        self._group = group
        self._kept = kept
        self._clock = clock
        self._wall = wall
        self._wake = wake

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await self._clock.sleep(LOOK_S)
            self._look()

    def _look(self) -> None:
        group = self._group
        if not group.replica.serving or group.lost:
            return
        revision = due(group.machine, self._wall.unix_ms(), self._kept)
        if revision is None:
            return
        command = Command(compact=CompactRequest(revision=revision))
        deadline = self._clock.now() + LOOK_S
        # Nobody waits for the answer: whoever leads then looks again. Hence it counts as passed on already.
        group.submit(Call(command.SerializeToString(), command, deadline, lambda reply: None, forwarded=True))
        self._wake()
