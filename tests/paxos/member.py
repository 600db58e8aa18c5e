"""One replica with its disk, as a driver would run it: it obeys each Ready in order, and writes down what it does.

A held disk shows the borders: turns queue up behind it, and a crash loses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, Faulty, PaxosConfig, Ready, Replica, ServeDecided
from ostraka_server.paxos.messages import Decided, Message, Send
from tests.paxos import wording

Outbox = Callable[[int, int, Message], None]
"""Takes sender, receiver, message."""

PIECE_ENTRIES = 4
"""As many decided entries as fit a message here."""


class SteadyRandom(Random):
    """Draws the same fraction for ever: the replicas' patience is fixed, and differs."""

    def __init__(self, fraction: float) -> None:
        super().__init__(0)
        self._fraction = fraction

    def random(self) -> float:
        return self._fraction


@dataclass
class Disk:
    """What survives a crash. The last record of a slot wins; the mark is written with the next sync, not its own."""

    promised: Ballot = NO_BALLOT
    records: dict[int, Entry] = field(default_factory=dict)
    marked: int = 0
    faulty: dict[int, Faulty] = field(default_factory=dict)

    def write(self, ready: Ready, mark: int) -> None:
        if ready.must_sync():
            self.promised = ready.promise or self.promised
            for entry in (*ready.entries, *ready.learned):
                self.records[entry.slot] = entry
                self.faulty.pop(entry.slot, None)
            self.marked = mark

    def durable(self) -> Durable:
        marked = min(self.marked, *(slot - 1 for slot in self.faulty)) if self.faulty else self.marked
        above = sorted(entry for slot, entry in self.records.items() if slot > marked)
        return Durable(self.promised, marked, tuple(above), tuple(sorted(self.faulty.values())))

    def damage(self, slot: int) -> None:
        """What was accepted for the slot cannot be read any more."""
        self.faulty[slot] = Faulty(slot, self.records.pop(slot).ballot)


class Member:
    """A replica's lives, one after another, over one disk."""

    def __init__(self, number: int, members: tuple[int, ...], config: PaxosConfig, outbox: Outbox) -> None:
        self.number = number
        self.disk = Disk()
        self.held = False
        self.out: list[str] = []
        self.decided: list[Entry] = []
        self._members = members
        self._config = config
        self._outbox = outbox
        self._random = SteadyRandom((number - 1) / len(members))
        self._unsynced: list[Ready] = []
        self._own: list[Message] = []
        self._standing = ""
        self.replica: Replica | None = None
        self.start(now=0.0)

    def start(self, now: float) -> None:
        """Live on from what the disk holds."""
        self.replica = Replica(
            replica=self.number,
            epoch=1,
            members=self._members,
            config=self._config,
            random=self._random,
            durable=self.disk.durable(),
            now=now,
        )
        self.decided = [self.disk.records[slot] for slot in range(1, self.up.decided_through + 1)]
        self._standing = self.standing()

    def crash(self) -> None:
        """Lose the memory and every turn that was not synced."""
        for ready in self._unsynced:
            self._write_loss(ready)
        self.replica = None
        self.held = False
        self._unsynced.clear()
        self._own.clear()

    def _write_loss(self, ready: Ready) -> None:
        for what in _persisted(ready):
            self.out.append(f"  {self.number} loses {what}")

    def standing(self) -> str:
        """Its role in words."""
        replica = self.up
        if replica.leads:
            return "serves as leader" if replica.serving else "leads, its barrier is not decided"
        if replica.role == "candidate":
            return "is a candidate"
        return f"follows {replica.leader}" if replica.leader else "follows nobody"

    @property
    def up(self) -> Replica:
        assert self.replica is not None, f"{self.number} is down"
        return self.replica

    def step(self, sender: int, message: Message, now: float) -> None:
        """Step a message and obey; messages to itself follow at once when they are released."""
        before = self.up.ignored.copy()
        self.up.step(sender, message, now)
        for reason in self.up.ignored - before:
            self.out.append(f"  {self.number} ignores it: {reason}")
        self.turn(now)

    def turn(self, now: float) -> None:
        """Take the Ready and obey it, as far as the disk allows."""
        ready = self.up.ready()
        assert all(send.to != self.number for send in ready.at_once), "a message to itself before the sync"
        if self.standing() != self._standing:
            self._standing = self.standing()
            self.out.append(f"  {self.number} {self._standing}")
        self._post(ready.at_once)
        if ready:
            self._unsynced.append(ready)
        if not self.held:
            self.sync(now)

    def sync(self, now: float) -> None:
        """Make every turn durable that waits for it, and do what it releases."""
        while self._unsynced or self._own:
            if self._unsynced:
                self._release(self._unsynced.pop(0))
            else:
                self.step(self.number, self._own.pop(0), now)

    def _release(self, ready: Ready) -> None:
        self.disk.write(ready, mark=len(self.decided))
        self.out.extend(f"  {self.number} persists {what}" for what in _persisted(ready))
        if ready.promise is not None:
            self.up.synced(ready.promise)
        self._post(ready.after_sync)
        if ready.decided:
            self.decided.extend(ready.decided)
            self.out.append(f"  {self.number} decides {wording.values(ready.decided)}")
        for serve in ready.serve:
            self._post([Send(serve.to, self._piece(serve))])
        self.out.extend(f"  {self.number} confirms read {read} at {point}" for read, point in ready.confirmed)
        self.out.extend(f"  {self.number} fails read {read}" for read in ready.failed_reads)

    def _piece(self, serve: ServeDecided) -> Decided:
        last = min(serve.through, serve.first + PIECE_ENTRIES - 1)
        piece = tuple(self.disk.records[slot] for slot in range(serve.first, last + 1))
        return Decided(serve.ballot, serve.first, piece, serve.through)

    def _post(self, sends: list[Send]) -> None:
        receivers: dict[Message, list[int]] = {}
        for send in sends:
            receivers.setdefault(send.message, []).append(send.to)
        for message, numbers in receivers.items():
            self.out.append(f"  {self.number} -> {' '.join(map(str, numbers))}: {wording.message(message)}")
        for send in sends:
            if send.to == self.number:
                self._own.append(send.message)
            else:
                self._outbox(self.number, send.to, send.message)


def _persisted(ready: Ready) -> list[str]:
    promise = [f"promise {wording.ballot(ready.promise)}"] if ready.promise else []
    accepted = [f"accepted {wording.entries(ready.entries)}"] if ready.entries else []
    learned = [f"learned {wording.entries(ready.learned)}"] if ready.learned else []
    return promise + accepted + learned
