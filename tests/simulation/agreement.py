"""P1 to P5, judged by someone who sees every disk and every proposal, and believes nobody.

Ballots are anything ordered; replicas and slots are numbers; a payload that is not empty is unique to its command.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from tests.simulation.violation import Violation

Ballot = tuple[int, int, int]


class Choice(NamedTuple):
    """A slot's value, and the lowest ballot seen to have chosen it."""

    ballot: Ballot
    payload: bytes


class Agreement:
    """Counts durable votes, so that a wrong choice is seen when it is made, not when someone notices it."""

    def __init__(self, quorum: int) -> None:
        """`quorum` replicas that accept the same (slot, ballot) choose it."""
        self.chosen: dict[int, Choice] = {}
        self.chosen_through = 0
        """Every slot from 1 through it is chosen."""
        self._quorum = quorum
        self._promised: dict[int, Ballot] = {}
        self._proposals: defaultdict[int, dict[Ballot, bytes]] = defaultdict(dict)
        self._voters: defaultdict[tuple[int, Ballot], set[int]] = defaultdict(set)
        self._slot_of: dict[bytes, int] = {}

    def promised(self, replica: int, ballot: Ballot) -> None:
        """A promise became durable."""
        if not self.has_promised(replica, ballot, at_least=False):
            raise Violation("P1", f"replica {replica} promised {ballot} after {self._promised[replica]}")
        self._promised[replica] = ballot

    def told(self, replica: int, ballot: Ballot) -> None:
        """The replica tells others that it promised: from now on it is bound, whatever its disk says later."""
        self._promised[replica] = max(ballot, self._promised.get(replica, ballot))

    def voted(self, replica: int, slot: int, ballot: Ballot, payload: bytes) -> None:
        """A vote became durable."""
        if not self.has_promised(replica, ballot, at_least=False):
            raise Violation(
                "P2", f"replica {replica} accepted slot {slot} at {ballot}, promised {self._promised[replica]}"
            )
        self._promised[replica] = ballot
        self.proposed(slot, ballot, payload)
        voters = self._voters[slot, ballot]
        voters.add(replica)
        if len(voters) == self._quorum:
            self._choose(slot, ballot, payload)

    def proposed(self, slot: int, ballot: Ballot, payload: bytes) -> None:
        """Somebody proposes `payload`, or acts on such a proposal."""
        proposals = self._proposals[slot]
        if proposals.setdefault(ballot, payload) != payload:
            raise Violation("P3", f"slot {slot} at {ballot}: both {proposals[ballot]!r} and {payload!r}")
        choice = self.chosen.get(slot)
        if choice is not None and ballot > choice.ballot and payload != choice.payload:
            raise Violation("P5", f"slot {slot} at {ballot}: {payload!r} proposed, chosen was {choice}")

    def has_promised(self, replica: int, ballot: Ballot, *, at_least: bool = True) -> bool:
        """Whether the durable promise is at least (or else at most) `ballot`."""
        promised = self._promised.get(replica)
        if promised is None:
            return not at_least
        return promised >= ballot if at_least else promised <= ballot

    def has_voted(self, replica: int, slot: int, ballot: Ballot) -> bool:
        """Whether the replica's vote for this slot and ballot is durable."""
        return replica in self._voters[slot, ballot]

    def slots_voted(self, replica: int) -> list[int]:
        """The slots for which a vote of the replica is or was durable."""
        return [slot for (slot, _), voters in self._voters.items() if replica in voters]

    def is_chosen(self, slot: int, payload: bytes) -> bool:
        """Whether this very value is chosen for the slot."""
        choice = self.chosen.get(slot)
        return choice is not None and choice.payload == payload

    def replaces_command(self, slot: int, ballot: Ballot, payload: bytes) -> bool:
        """Whether this proposal, new to us, is a no-op where a lower ballot had proposed a command."""
        proposals = self._proposals[slot]
        return (
            not payload and ballot not in proposals and any(proposals[lower] for lower in proposals if lower < ballot)
        )

    def _choose(self, slot: int, ballot: Ballot, payload: bytes) -> None:
        known = self.chosen.get(slot)
        if known is not None and known.payload != payload:
            raise Violation("P4", f"slot {slot}: {payload!r} chosen at {ballot}, before that {known}")
        if known is None or ballot < known.ballot:
            self.chosen[slot] = Choice(ballot, payload)
        for above, other in self._proposals[slot].items():
            if above > ballot and other != payload:
                raise Violation("P5", f"slot {slot}: {payload!r} chosen at {ballot}, {other!r} proposed at {above}")
        if payload and self._slot_of.setdefault(payload, slot) != slot:
            raise Violation("P13", f"{payload!r} chosen for both slot {self._slot_of[payload]} and slot {slot}")
        while self.chosen_through + 1 in self.chosen:
            self.chosen_through += 1
