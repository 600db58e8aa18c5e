"""A small log, what was done to it, and what it must therefore still hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ostraka_server.log import AcceptorLog, BallotTuple, LogConfig, MemoryDirectory
from ostraka_server.log.layout import BLOCK

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

    def copy(self) -> Contents:
        return Contents(dict(self.promised), dict(self.decided), {group: dict(s) for group, s in self.slots.items()})


def reopen(directory: MemoryDirectory, config: LogConfig = SMALL) -> AcceptorLog:
    return AcceptorLog.open(directory, OWNER, config)


def contents(log: AcceptorLog) -> Contents:
    """What a log that was just opened holds, by both of its ways to tell. Its slots have no gaps, from 1 on."""
    held = Contents()
    for group, recovered in log.recovered.items():
        held.promised[group] = recovered.promised
        held.decided[group] = recovered.decided_through
        entries = log.read(group, 1, 10**6, 10**9)
        held.slots[group] = {entry.slot: (entry.ballot, entry.payload) for entry in entries}
        assert recovered.entries == [entry for entry in entries if entry.slot > recovered.decided_through]
    return held


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

    def check(self, held: Contents) -> None:
        """`held` must be what was flushed, or that and all of the flush in doubt. From here on it is the truth."""
        states = (held.promised, held.decided)
        # A segment that the flush in doubt began tells its promises, though none of its entries may be there.
        assert states in [(known.promised, known.decided) for known in (self._flushed, self._now)]
        assert held.slots in (self._of(held, self._flushed), self._now.slots)
        if held.slots != self._of(held, self._flushed):
            assert states == (self._now.promised, self._now.decided)
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
            slot = random.choice((len(slots) + 1, max(1, len(slots))))
            log.accept(group, slot, ballot, payload)
            slots[slot] = (ballot, payload)
        now.promised[group] = max(ballot, promised)
        through = random.randint(0, len(slots))
        log.decided(group, through)
        now.decided[group] = max(through, now.decided[group])
