"""The acceptor: the promise, what was accepted above the decided prefix, and the end of that prefix.

Rule 1: `promised` never falls.
Rule 2: an entry is accepted only at a ballot at or above `promised`, and raises it. No entry is held above it, learned
ones included: they are in the log, which takes them for accepted.
Rule 3: decided entries leave in slot order, each once, without gaps but for what an installed snapshot covers; what is
decided is never accepted again.
Rule 4: an entry that the disk has lost was accepted all the same: its slot is faulty until another takes its place.
What must become durable is appended to the `Ready` in the same call that changes the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.values import NO_BALLOT, Ballot, Entry, Faulty

AHEAD_ENTRIES_MAX = 1024
"""How far above its decided prefix a replica accepts. A constant of the protocol: it bounds every promise."""

AHEAD_BYTES_MAX = 16 << 20
"""Payload bytes that it holds there. The slot right after the prefix is always accepted."""


@dataclass(frozen=True, slots=True)
class Durable:
    """What a replica's log holds when it starts."""

    promised: Ballot = NO_BALLOT
    decided_through: int = 0
    """Every slot up to it is known decided, and its entry is in the log."""
    entries: tuple[Entry, ...] = ()
    """Accepted above `decided_through`, at most one per slot."""
    faulty: tuple[Faulty, ...] = ()
    """Slots above `decided_through` without an entry here, though one had been accepted: the disk has lost it."""


class Acceptor:
    """Holds in memory only what is not known decided: at most a leader's window, or what catching up leaves open."""

    def __init__(self, durable: Durable) -> None:
        self.promised = durable.promised
        self.promised_durably = durable.promised
        """The highest promise that the driver has said is durable."""
        self.decided_through = durable.decided_through
        self.accepted = {entry.slot: entry for entry in durable.entries}
        self._accepted_bytes = sum(len(entry.payload) for entry in durable.entries)
        self.faulty = {each.slot: each for each in durable.faulty}
        assert len(self.accepted) == len(durable.entries), "two entries for one slot"
        assert not self.accepted.keys() & self.faulty.keys(), "a faulty slot with an entry"
        slots = self.accepted.keys() | self.faulty.keys()
        assert all(slot > self.decided_through for slot in slots), "entries at or below decided_through"

    def promise(self, ballot: Ballot, ready: Ready) -> None:
        """Promise `ballot`. Whatever is released after this Ready's sync may rely on it."""
        assert ballot >= self.promised, f"promise would fall from {self.promised} to {ballot}"
        if ballot > self.promised:
            self.promised = ballot
            ready.promise = ballot

    def accept(self, ballot: Ballot, entries: Iterable[Entry], ready: Ready) -> list[int]:
        """Accept entries of `ballot`; the slots that count as accepted, in the given order.

        Repeats and slots known decided change nothing. Left out is what lies too far ahead: whoever is that far behind
        has to catch up first, and must not gather the future in memory meanwhile.
        """
        self.promise(ballot, ready)
        accepted = []
        for entry in entries:
            assert entry.ballot == ballot
            known = self.accepted.get(entry.slot)
            if known is not None and known.ballot == ballot:
                assert known.payload == entry.payload, f"two payloads for slot {entry.slot} at {ballot}"
            elif entry.slot > self.decided_through:
                if not self._has_room(entry):
                    continue
                self._hold(entry)
                ready.entries.append(entry)
            accepted.append(entry.slot)
        return accepted

    def accept_own(self, entry: Entry, ready: Ready) -> None:
        """Accept what this replica itself proposes; a leader's window and what it adopted bound it."""
        assert entry.ballot == self.promised and entry.slot > self.decided_through
        self._hold(entry)
        ready.entries.append(entry)

    def contradicts(self, ballot: Ballot, entries: Iterable[Entry]) -> bool:
        """Whether no honest leader of `ballot` proposes these: no slot, another's ballot, or two payloads."""
        payloads: dict[int, bytes] = {}
        for entry in entries:
            known = self.accepted.get(entry.slot)
            if known is not None and known.ballot == ballot:
                payloads[entry.slot] = known.payload
            if entry.slot < 1 or entry.ballot != ballot:
                return True
            if payloads.setdefault(entry.slot, entry.payload) != entry.payload:
                return True
        return False

    def _has_room(self, entry: Entry) -> bool:
        if entry.slot == self.decided_through + 1:
            return True
        near = entry.slot <= self.decided_through + AHEAD_ENTRIES_MAX
        return near and self._accepted_bytes + len(entry.payload) <= AHEAD_BYTES_MAX

    def _hold(self, entry: Entry) -> None:
        known = self.accepted.get(entry.slot)
        self._accepted_bytes += len(entry.payload) - (len(known.payload) if known else 0)
        self.accepted[entry.slot] = entry
        self.faulty.pop(entry.slot, None)

    def accepted_from(self, first: int) -> tuple[Entry, ...]:
        """Everything accepted at or above `first` and above the decided prefix, in slot order."""
        return tuple(self.accepted[slot] for slot in sorted(self.accepted) if slot >= first)

    def faulty_from(self, first: int) -> tuple[Faulty, ...]:
        """The slots at or above `first` whose accepted entry is lost, in slot order."""
        return tuple(self.faulty[slot] for slot in sorted(self.faulty) if slot >= first)

    def believe(self, ballot: Ballot, through: int, ready: Ready) -> bool:
        """Take the leader of `ballot` at its word that slots through `through` are decided.

        Only for entries accepted under that very ballot: one of an older ballot may have lost its slot.
        Returns whether all of them were known here; if not, the rest has to be fetched.
        """
        while self.decided_through < through:
            entry = self.accepted.get(self.decided_through + 1)
            if entry is None or entry.ballot != ballot:
                return False
            self._decide(entry, ready)
        return True

    def learn(self, entries: Iterable[Entry], ready: Ready) -> None:
        """Take over decided entries that another replica sent. Those already known are passed over."""
        for entry in entries:
            if entry.slot <= self.decided_through:
                continue
            assert entry.slot == self.decided_through + 1, f"a gap before slot {entry.slot}"
            assert entry.ballot <= self.promised, f"learned {entry.ballot} above the promise {self.promised}"
            if self.accepted.get(entry.slot) != entry:
                self._hold(entry)
                ready.learned.append(entry)
            self._decide(entry, ready)

    def install(self, through: int) -> None:
        """State through slot `through`, which is ahead, was durably had from elsewhere: those slots are passed over."""
        assert through > self.decided_through
        for slot in [slot for slot in self.accepted if slot <= through]:
            self._accepted_bytes -= len(self.accepted.pop(slot).payload)
        self.faulty = {slot: each for slot, each in self.faulty.items() if slot > through}
        self.decided_through = through

    def _decide(self, entry: Entry, ready: Ready) -> None:
        assert entry.slot == self.decided_through + 1
        del self.accepted[entry.slot]
        self._accepted_bytes -= len(entry.payload)
        self.decided_through = entry.slot
        ready.decided.append(entry)
