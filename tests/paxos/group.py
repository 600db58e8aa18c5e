"""A group of replicas in a script's hand: time, messages in flight, partitions and crashes, all moved on demand.

Whatever a script does, no two replicas may decide differently: checked at every step.
"""

from __future__ import annotations

from collections.abc import Callable

from ostraka_server.paxos import Entry, PaxosConfig
from ostraka_server.paxos.messages import Message
from tests.paxos import wording
from tests.paxos.member import Member

Flight = tuple[int, int, Message]
"""Sender, receiver, message."""

DELIVERIES_MAX = 10_000
"""More in one command means that the replicas never come to rest."""


class Group:
    """Replicas 1 to n of epoch 1. `out` gathers what happens."""

    def __init__(self, size: int, config: PaxosConfig) -> None:
        self.now = 0.0
        self.out: list[str] = []
        self.in_flight: list[Flight] = []
        self.sides: list[frozenset[int]] = []
        numbers = tuple(range(1, size + 1))
        self.members = {number: Member(number, numbers, config, self._sent) for number in numbers}
        for member in self.members.values():
            member.out = self.out
        self._payloads: dict[int, bytes] = {}

    def _sent(self, sender: int, receiver: int, message: Message) -> None:
        self.in_flight.append((sender, receiver, message))

    def _reaches(self, sender: int, receiver: int) -> bool:
        return not self.sides or any({sender, receiver} <= side for side in self.sides)

    # Messages

    def take(self, wanted: Callable[[Flight], bool]) -> list[Flight]:
        """Remove messages from the network."""
        taken = [flight for flight in self.in_flight if wanted(flight)]
        self.in_flight = [flight for flight in self.in_flight if not wanted(flight)]
        return taken

    def take_latest(self, wanted: Callable[[Flight], bool]) -> Flight:
        """Remove the message that was sent last: it overtakes the others."""
        latest = max(place for place, flight in enumerate(self.in_flight) if wanted(flight))
        return self.in_flight.pop(latest)

    def deliver(self, flight: Flight) -> None:
        """Bring one message, if its receiver is up and within reach."""
        sender, receiver, message = flight
        member = self.members[receiver]
        if member.replica is None or not self._reaches(sender, receiver):
            self.out.append(f"lost {sender} -> {receiver}: {wording.title(message)}")
            return
        self.out.append(f"{receiver} takes {wording.title(message)} of {sender}")
        member.step(sender, message, self.now)
        self._check()

    def deliver_all(self) -> None:
        """Bring messages, and the answers to them, until none is left."""
        for _ in range(DELIVERIES_MAX):
            if not self.in_flight:
                return
            self.deliver(self.in_flight.pop(0))
        raise AssertionError("the replicas do not come to rest")

    # Time

    def elapse(self, seconds: float, *, delivering: bool = False) -> None:
        """Let time pass; every replica ticks when it asked to. Messages wait, or arrive at once if `delivering`."""
        end = self.now + seconds
        while (due := min((m for m in self._alive()), key=lambda m: m.up.deadline)).up.deadline <= end:
            self.now = max(self.now, due.up.deadline)
            self.tick(due)
            if delivering:
                self.deliver_all()
        self.now = end

    def tick(self, member: Member) -> None:
        """Tick one replica now."""
        self.out.append(f"{member.number} ticks at {round(self.now * 1000)} ms")
        member.up.tick(self.now)
        member.turn(self.now)
        assert member.up.deadline > self.now, "a tick that leaves something due"
        self._check()

    def time_out(self, member: Member) -> None:
        """Let time pass until this replica's next deadline, and tick no other: its timer was the shortest."""
        self.now = max(self.now, member.up.deadline)
        self.tick(member)

    def _alive(self) -> list[Member]:
        return [member for member in self.members.values() if member.replica is not None]

    # Safety

    def _check(self) -> None:
        for member in self._alive():
            for slot, entry in enumerate(member.decided, start=1):
                self._check_decided(member, slot, entry)

    def _check_decided(self, member: Member, slot: int, entry: Entry) -> None:
        assert entry.slot == slot, f"{member.number} decided slot {entry.slot} after {slot - 1}"
        payload = self._payloads.setdefault(slot, entry.payload)
        assert payload == entry.payload, f"slot {slot}: {payload!r}, at {member.number} {entry.payload!r}"
