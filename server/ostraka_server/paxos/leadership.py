"""A leader's state under one ballot: what it proposed, who accepted, and who still answers it.

Rule 1: one payload per slot (P3): slots are handed out once, in order, starting above the decided prefix.
Rule 2: an entry is chosen once a quorum, each counted once, has it durable under this ballot.
Rule 3: nothing is served before the barrier, the first entry of this ballot's own, is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ostraka_server.paxos.config import PaxosConfig
from ostraka_server.paxos.reads import ReadRounds
from ostraka_server.paxos.values import Ballot, Entry, ReplicaId


@dataclass(slots=True)
class Pending:
    """A proposal that is not known chosen."""

    entry: Entry
    sent_at: float
    accepted_by: set[ReplicaId] = field(default_factory=set)


@dataclass(slots=True)
class Transfer:
    """A hand-over of leadership under way; proposals are refused until it succeeds or `deadline` passes."""

    target: ReplicaId
    deadline: float
    asked: bool = False


class Leadership:
    """Lives from the quorum of promises until the leader steps down; never revived."""

    def __init__(self, ballot: Ballot, others: tuple[ReplicaId, ...], quorum: int, first: int, now: float) -> None:
        self.ballot = ballot
        self.quorum = quorum
        self.next_slot = first
        self.barrier = 0  # its slot, once proposed
        self.pending: dict[int, Pending] = {}  # in slot order, since slots are handed out in order
        self.pending_bytes = 0
        self.unsent: list[Entry] = []
        self.reads = ReadRounds(quorum - 1)
        self.nonce = 0
        self.heartbeat_at = now
        self.heard = dict.fromkeys(others, now)
        self.transfer: Transfer | None = None

    def has_room(self, config: PaxosConfig) -> bool:
        """Whether the window admits one more proposal."""
        return not self.pending or (
            len(self.pending) < config.window_entries and self.pending_bytes < config.window_bytes
        )

    def propose(self, payload: bytes, now: float) -> Entry:
        """Hand out the next slot."""
        entry = Entry(self.next_slot, self.ballot, payload)
        self.next_slot += 1
        self.pending[entry.slot] = Pending(entry, now)
        self.pending_bytes += len(payload)
        self.unsent.append(entry)
        return entry

    def accepted(self, replica: ReplicaId, slots: Iterable[int]) -> None:
        """Count durable accepts under this ballot. Slots already chosen are passed over."""
        for slot in slots:
            pending = self.pending.get(slot)
            if pending is not None:
                pending.accepted_by.add(replica)

    def chosen_through(self, decided_through: int) -> int:
        """The end of the gapless chosen prefix, given that it was known through `decided_through`."""
        through = decided_through
        while (pending := self.pending.get(through + 1)) and len(pending.accepted_by) >= self.quorum:
            del self.pending[through + 1]
            self.pending_bytes -= len(pending.entry.payload)
            through += 1
        return through

    def next_nonce(self) -> int:
        """A nonce that this ballot has never used."""
        self.nonce += 1
        return self.nonce

    def take_unsent(self) -> tuple[Entry, ...]:
        """Entries proposed since the last call."""
        unsent, self.unsent = tuple(self.unsent), []
        return unsent

    def unanswered(self, replica: ReplicaId, since: float, max_bytes: int) -> tuple[Entry, ...]:
        """Entries to send once more to a replica that did not accept them though sent before `since`."""
        entries: list[Entry] = []
        for pending in self.pending.values():
            if replica in pending.accepted_by or pending.sent_at > since:
                continue
            max_bytes -= len(pending.entry.payload)
            if entries and max_bytes < 0:
                break
            entries.append(pending.entry)
        return tuple(entries)

    def hears_quorum(self, since: float) -> bool:
        """Whether a quorum, the leader included, was heard at or after `since`."""
        return 1 + sum(heard >= since for heard in self.heard.values()) >= self.quorum
