"""A small log, what was done to it, and what it must therefore still hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ostraka_server.log import AcceptorLog, BallotTuple, FaultySlot, LogConfig, MemoryDirectory
from ostraka_server.log.layout import BLOCK, digest

OWNER = b"node 1 of cluster c"
SMALL = LogConfig(segment_bytes=48 * BLOCK, blank_ahead_bytes=BLOCK)
"""Room for some 20 small batches a segment."""


class PowerLoss(Exception):
    """The node ends here: what it asked of the disk since the last sync is not synced."""


@dataclass
class Contents:
    """What a log holds: of each group its promise, decided_through, and entries by slot."""

    promised: dict[int, BallotTuple] = field(default_factory=dict)
    decided: dict[int, int] = field(default_factory=dict)
    slots: dict[int, dict[int, tuple[BallotTuple, bytes]]] = field(default_factory=dict)
    base: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Contents:
        slots = {group: dict(each) for group, each in self.slots.items()}
        return Contents(dict(self.promised), dict(self.decided), slots, dict(self.base))

    def without(self, faulty: dict[int, tuple[FaultySlot, ...]]) -> Contents:
        """The same but for faulty slots, whose names must be right."""
        rest = self.copy()
        for group, slots in faulty.items():
            for slot, ballot, payload_hash in slots:
                accepted, payload = rest.slots[group].pop(slot)
                assert (accepted, digest(payload)) == (ballot, payload_hash)
        return rest


def reopen(directory: MemoryDirectory, config: LogConfig = SMALL) -> AcceptorLog:
    return AcceptorLog.open(directory, OWNER, config)


def contents(log: AcceptorLog) -> Contents:
    """What a log that was just opened holds, by all of its ways to tell."""
    held = Contents()
    for group, recovered in log.recovered.items():
        held.promised[group] = recovered.promised
        held.decided[group] = recovered.decided_through
        held.base[group] = base = recovered.base
        entries = log.above(group, 0)
        held.slots[group] = {entry.slot: (entry.ballot, entry.payload) for entry in entries}
        assert recovered.entries == [entry for entry in entries if entry.slot > recovered.decided_through]
        assert log.base(group) == base <= recovered.decided_through
        if not recovered.faulty:
            assert log.read(group, base + 1, 10**6, 10**9) == entries
    return held


def faulty_slots(log: AcceptorLog) -> dict[int, tuple[FaultySlot, ...]]:
    """Of each group, what it says it cannot read."""
    return {group: recovered.faulty for group, recovered in log.recovered.items() if recovered.faulty}


class Workload:
    """Random changes, flushed a few at a time. One flush is in doubt when it did not return."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = Contents()
        self._flushed = Contents()

    def flush(self, log: AcceptorLog) -> None:
        """Some changes and a flush. The larger ones have a mark of two sectors, which can tear."""
        for _ in range(self._random.choice((1, 2, 3, 12))):
            self._change(log, self._random.randint(1, 3))
        durable = log.sequence
        log.flush()
        if log.sequence > durable:  # else nothing was pending but `decided`, which waits for company
            self._flushed = self._now.copy()

    def truncate(self, log: AcceptorLog) -> None:
        """Let go of some of what a group has decided; what it keeps may still hold old segments."""
        now = self._now
        group = self._random.choice([1, 1, 1, 2, 3])
        base = max(now.base.get(group, 0), now.decided.get(group, 0) - self._random.randint(0, 4))
        if base > now.base.get(group, 0):
            now.base[group] = base
            now.slots[group] = {slot: each for slot, each in now.slots[group].items() if slot > base}
            log.truncate(group, base)
            self._flushed = now.copy()

    def check(self, held: Contents) -> None:
        """`held` must be what was flushed, or that and all of the flush in doubt. From here on it is the truth."""
        states = (held.promised, held.decided, held.base)
        # A segment that the flush in doubt began tells its promises, though none of its entries may be there.
        assert states in [_states(known, held) for known in (self._flushed, self._now)]
        assert held.slots in (self._of(held, self._flushed), self._now.slots)
        if held.slots != self._of(held, self._flushed):
            assert states == _states(self._now, held)
        self._flushed, self._now = held, held.copy()

    def _of(self, held: Contents, known: Contents) -> dict[int, dict[int, tuple[BallotTuple, bytes]]]:
        return {group: known.slots.get(group, {}) for group in held.slots}

    def _change(self, log: AcceptorLog, group: int) -> None:
        now, random = self._now, self._random
        slots = now.slots.setdefault(group, {})
        promised = now.promised.get(group, (0, 0, 0))
        now.decided.setdefault(group, 0)
        ballot = (1, promised[1] + random.choice((0, 0, 1)), 7 + promised[1] % 2)
        if random.random() < 0.2:
            log.promise(group, max(ballot, promised))
        else:
            # Zeros are what an unwritten sector is most easily taken for.
            payload = random.choice((b"", b"\0" * 1500, random.randbytes(random.randint(1, 3000))))
            end = max(slots, default=now.base.get(group, 0))
            slot = random.choice((end + 1, end + 1, max(now.base.get(group, 0) + 1, end)))
            log.accept(group, slot, ballot, payload)
            slots[slot] = (ballot, payload)
        now.promised[group] = max(ballot, promised)
        through = random.randint(0, max(slots, default=0))
        log.decided(group, through)
        now.decided[group] = max(through, now.decided[group])


def _states(known: Contents, held: Contents) -> tuple[dict[int, BallotTuple], dict[int, int], dict[int, int]]:
    return known.promised, known.decided, {group: known.base.get(group, 0) for group in held.base}
