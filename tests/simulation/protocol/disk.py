"""One replica's disk: records in the order they were appended, of which only a synced part is sure to survive.

Torn records and flipped bits are the log's business; here a record is there or it is not, or its entry is damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from random import Random

from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, Faulty


@dataclass(frozen=True, slots=True)
class Promised:
    """The replica promised `ballot`."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vote, and with it a promise of the entry's ballot."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Learned:
    """Fetched as decided; no vote."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Mark:
    """Every slot through `decided_through` is decided, and its entry stands before this record."""

    decided_through: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """Where an accepted or learned entry stood, of which the log knows the name only."""

    faulty: Faulty


Record = Promised | Accepted | Learned | Mark | Damaged


class Loss(Enum):
    """What a crash does to records that were not synced."""

    NONE = "none"
    """The process was killed: what it wrote, the system still has."""
    TAIL = "tail"
    """The power failed: some prefix survives."""
    ANY = "any"
    """The power failed: any subset survives."""


class Disk:
    """Calls `on_durable` with each record, in log order, at the moment from which it will survive everything."""

    def __init__(self, on_durable: Callable[[Record], None]) -> None:
        self.synced = 0
        """Records [0, synced) survive a crash."""
        self._records: list[Record] = []
        self._last: dict[int, Entry | Faulty] = {}  # of each slot, from its last record
        self._on_durable = on_durable

    @property
    def end(self) -> int:
        """How many records were appended."""
        return len(self._records)

    def append(self, records: Iterable[Record]) -> None:
        """Write behind the last record; nothing is durable yet."""
        for record in records:
            self._records.append(record)
            if isinstance(record, Accepted | Learned):
                self._last[record.entry.slot] = record.entry
            elif isinstance(record, Damaged):
                self._last[record.faulty.slot] = record.faulty

    def sync(self, end: int) -> None:
        """Records [0, end) are durable now."""
        fresh = self._records[self.synced : end]
        self.synced = max(self.synced, end)
        for record in fresh:
            self._on_durable(record)

    def crash(self, loss: Loss, random: Random) -> int:
        """Settle what becomes of the unsynced records. Returns how many are lost."""
        unsynced = self._records[self.synced :]
        if loss is Loss.NONE:
            kept = unsynced
        elif loss is Loss.TAIL:
            kept = unsynced[: random.randint(0, len(unsynced))]
        else:
            kept = [record for record in unsynced if random.random() < 0.5]
        survived = self._records[: self.synced] + kept
        self._records.clear()
        self._last.clear()
        self.append(survived)
        self.sync(self.end)
        return len(unsynced) - len(kept)

    def recover(self) -> Durable:
        """What a replica starts from: the highest promise, the last mark, the last record of each slot above it."""
        promised, decided_through = NO_BALLOT, 0
        for record in self._records:
            if isinstance(record, Promised):
                promised = max(promised, record.ballot)
            elif isinstance(record, Accepted):
                promised = max(promised, record.entry.ballot)
            elif isinstance(record, Mark):
                decided_through = max(decided_through, record.decided_through)
        faulty = self.faulty
        if faulty:
            decided_through = min(decided_through, faulty[0].slot - 1)
        above = [self._last[slot] for slot in sorted(self._last) if slot > decided_through]
        return Durable(promised, decided_through, tuple(e for e in above if isinstance(e, Entry)), faulty)

    @property
    def faulty(self) -> tuple[Faulty, ...]:
        """The slots whose last entry is damaged, ascending."""
        return tuple(each for slot in sorted(self._last) if isinstance(each := self._last[slot], Faulty))

    @property
    def readable(self) -> list[int]:
        """The slots whose last entry is not."""
        return [slot for slot in sorted(self._last) if isinstance(self._last[slot], Entry)]

    def damage(self, slot: int) -> None:
        """A sector decays: the slot's last record, which is durable, cannot be read any more."""
        assert self.synced == self.end, "the machine is down"
        for place, record in reversed(list(enumerate(self._records))):
            if isinstance(record, Accepted | Learned) and record.entry.slot == slot:
                faulty = Faulty(slot, record.entry.ballot)
                self._records[place], self._last[slot] = Damaged(faulty), faulty
                return
        raise AssertionError(f"nothing readable for slot {slot}")

    def entries(self, first: int, through: int) -> tuple[Entry, ...]:
        """The last record of each slot of [first, through]; KeyError where there is none that can be read."""
        slots = range(first, through + 1)
        found = tuple(entry for slot in slots if isinstance(entry := self._last[slot], Entry))
        if len(found) < len(slots):
            raise KeyError(f"a damaged entry in {first} to {through}")
        return found
