"""What a replica has applied: its machine, and the decided entries on their way into it.

All of it may be lost: the disk has damaged the store, or the log begins behind it. Then nothing is applied, read or led
until a snapshot is installed; the replica keeps voting.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ostraka_server.distribution import Distribution, quadrupling
from ostraka_server.logs import fields
from ostraka_server.machine import Machine, Result
from ostraka_server.machine.base import Row
from ostraka_server.paxos import Entry
from ostraka_server.shard.backlog import Backlog
from ostraka_server.shard.proposals import ENTRY_COMMANDS_MAX
from ostraka_server.store import DamagedStore

UNFLUSHED_BYTES_MAX = 64 << 20
"""What a machine may hold that its store does not hold yet. From half of it on the store catches up without delay."""

TURN_BYTES_MAX = 16 << 20
"""Once so much more is held for what was applied, be it one large delete, the rest waits for the next turn."""

log = logging.getLogger("ostraka.group")


@dataclass(slots=True)
class GroupStats:
    """Counted since the process started."""

    proposals: int = 0
    proposal_failures: int = 0
    commands: int = 0
    reads: int = 0
    damaged_stores: int = 0
    leaders: int = 0
    """Times that a leader became known here, be it the former one."""
    entry_commands: Distribution = field(default_factory=lambda: quadrupling(1, ENTRY_COMMANDS_MAX))
    """Commands in each entry proposed."""


class Applying(ABC):
    """Of one group on this node. `_settle` is told of every entry that was applied."""

    def __init__(self, *, group: int, machine: Machine, decided_through: int, unflushed_max: int, base: int) -> None:
        self.id = group
        self.machine = machine
        self.stats = GroupStats()
        self.on_damage: Callable[[], None] = lambda: None
        """Called when the store turned out to be damaged, and so counts as lost."""
        self.wake: Callable[[], None] = lambda: None
        """Has the driver turn the group."""
        self.base = base
        """The log holds no entries through it, or will soon not hold them."""
        self.lost = machine.applied_slot < base
        self._unflushed_max = unflushed_max
        self._backlog = Backlog(machine.applied_slot)
        self._decided_through = decided_through
        """As the Readies tell it: what goes beyond is not in the log yet."""

    def get(self, key: bytes) -> Row | None:
        """A row of this replica's own state. Raises DamagedStore, and takes the store for lost."""
        try:
            return self.machine.get(key)
        except DamagedStore as damage:
            self.damaged(damage)
            raise

    @property
    def unread(self) -> tuple[int, int] | None:
        """First and last slot of the decided entries that are to be read from the log for `refill`."""
        return None if self.lost else self._backlog.unread(self._decided_through)

    def refill(self, entries: Iterable[Entry]) -> None:
        """Entries that follow on what was applied, read from the log."""
        self._backlog.extend(entries)
        self.flushed()

    def flushed(self) -> None:
        """The store caught up: go on applying where its lag had stopped it."""
        self._apply_backlog()
        self._answer_reads()

    def lose(self) -> None:
        """The store is damaged or about to be replaced: its machine must not be touched any more."""
        self.lost = True

    def damaged(self, damage: DamagedStore) -> None:
        """Somebody met damage in the store."""
        if not self.lost:
            self.stats.damaged_stores += 1
            log.error("store lost", extra=fields(group=self.id, why=str(damage)))
            self.lose()
            self.on_damage()

    @property
    def _lags(self) -> bool:
        """Whether what is decided and not applied piles up here: a leader then proposes nothing."""
        return bool(self._backlog) or self.unread is not None

    def _go_on_with(self, machine: Machine) -> None:
        """Another machine, whose store holds a snapshot."""
        self.machine = machine
        self.lost = False
        self._decided_through = max(machine.applied_slot, self._decided_through)
        self._backlog.restart(machine.applied_slot)

    def _apply_backlog(self) -> None:
        machine = self.machine
        enough = machine.unflushed_bytes + TURN_BYTES_MAX
        while self._backlog and not self.lost and machine.unflushed_entries < self._unflushed_max:
            if machine.unflushed_bytes >= UNFLUSHED_BYTES_MAX:
                return
            if machine.unflushed_bytes >= enough:
                return self.wake()
            self._apply(self._backlog.take())

    def _apply(self, entry: Entry) -> None:
        try:
            results = self.machine.apply(entry.slot, entry.payload)
        except DamagedStore as damage:  # the machine has done half of it, and is never used again
            return self.damaged(damage)
        self.stats.commands += len(results)
        self._settle(entry, results)

    @abstractmethod
    def _settle(self, entry: Entry, results: Sequence[Result]) -> None:
        """It was applied, and this came of its commands."""

    @abstractmethod
    def _answer_reads(self) -> None:
        """More may have been applied."""
