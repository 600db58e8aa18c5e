"""Bugs put into the protocol on purpose, in memory: a simulator that does not find these finds nothing.

Each is one that real systems had. Where `paxos` asserts against it the assertion goes too, so that it is the checker,
which watches from outside, that has to notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from ostraka_server.paxos import core, electing, replica
from ostraka_server.paxos.acceptor import Acceptor
from ostraka_server.paxos.adoption import adopt
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.messages import Accept, Accepted, Fetch, Message, Prepare, Promise
from ostraka_server.paxos.reads import ReadRounds, Round
from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.replica import Replica
from ostraka_server.paxos.values import NO_OP, Ballot
from tests.simulation.faults import Fault
from tests.simulation.protocol import watch

Patches = Iterable[AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, the faults that bring it out, and the invariants of which one must then be seen to break."""

    invariants: frozenset[str]
    faults: frozenset[Fault]
    patches: Callable[[], Patches]

    def alive(self) -> ExitStack:
        """Within it the bug is there."""
        stack = ExitStack()
        for each in self.patches():
            stack.enter_context(each)
        return stack


def sent_before_sync(*kinds: type[Message]) -> Patches:
    """Messages of these kinds leave before what they claim is durable."""
    original = Replica._after_sync

    def after_sync(self: Replica, to: int, message: Message) -> None:
        if isinstance(message, kinds) and to != self.id:
            self._at_once(to, message)
        else:
            original(self, to, message)

    return [patch.object(Replica, "_after_sync", after_sync)]


def claims_unchecked() -> Patches:
    """The rules of Ready are not judged, so that the harm has to be seen in what is agreed on."""

    def only_proposals(agreement: Any, sender: int, message: Message) -> None:
        if isinstance(message, Accept):
            for entry in message.entries:
                agreement.proposed(entry.slot, message.ballot, entry.payload)

    return [patch.object(watch, "check_sent", only_proposals)]


def promise_not_durable() -> Patches:
    """A promise is given and never written."""

    def promise(self: Acceptor, ballot: Ballot, ready: Ready) -> None:
        self.promised = max(self.promised, ballot)

    return [patch.object(Acceptor, "promise", promise)]


def accepts_below_promise() -> Patches:
    """A vote for a ballot below the one promised."""
    original = replica._HANDLERS[Accept]

    def on_accept(self: Replica, sender: int, message: Accept, now: float) -> None:
        if message.ballot >= self.ballot:
            return original(self, sender, message, now)
        for entry in message.entries:
            if entry.slot > self.decided_through:
                self._acceptor._hold(entry)
                self._ready.entries.append(entry)
        self._after_sync(sender, Accepted(message.ballot, tuple(entry.slot for entry in message.entries)))

    return [patch.dict(replica._HANDLERS, {Accept: on_accept})]


def promise_omits_accepted() -> Patches:
    """A promise that says nothing about what was accepted."""
    return [patch.object(Acceptor, "accepted_from", lambda self, first: ())]


def promise_omits_decided() -> Patches:
    """A promise that leaves out what is known decided, and does not say so."""
    original = Replica._after_sync

    def after_sync(self: Replica, to: int, message: Message) -> None:
        original(self, to, replace(message, decided_through=0) if isinstance(message, Promise) else message)

    return [
        patch.object(Replica, "_after_sync", after_sync),
        patch.object(electing, "AHEAD_ENTRIES_MAX", 1 << 40),
    ]


def adopts_lowest_ballot() -> Patches:
    """The new leader takes the oldest payload that was reported for a slot, not that of the highest ballot."""

    def adopt_oldest(promises: Iterable[Promise], first: int) -> list[tuple[int, bytes]]:
        promises = list(promises)
        lowest = sorted((entry for promise in promises for entry in promise.accepted), key=lambda each: each.ballot)
        oldest = {entry.slot: entry.payload for entry in reversed(lowest)}
        return [(slot, oldest.get(slot, NO_OP)) for slot, _ in adopt(promises, first)]

    return [patch.object(electing, "adopt", adopt_oldest)]


def decided_for_older_ballot() -> Patches:
    """A leader's `decided_through` is believed for entries of any ballot."""

    def believe(self: Acceptor, ballot: Ballot, through: int, ready: Ready) -> bool:
        while self.decided_through < through:
            entry = self.accepted.get(self.decided_through + 1)
            if entry is None:
                return False
            self._decide(entry, ready)
        return True

    return [patch.object(Acceptor, "believe", believe)]


def hole_not_filled() -> Patches:
    """A slot that nobody reported is passed over."""

    def lead(self: Replica, campaign: Any, now: float) -> None:
        first = self.decided_through + 1
        promises = campaign.promises.values()
        reported = {entry.slot for promise in promises for entry in promise.accepted}
        self._campaign = None
        self._leader = self.id
        leadership = self._leadership = Leadership(campaign.ballot, self.others, self.quorum, first, now)
        for slot, payload in adopt(promises, first):
            leadership.next_slot = slot
            if slot in reported:
                self._propose(leadership, payload, now)
        leadership.next_slot = max(reported | {first - 1}) + 1
        leadership.barrier = self._propose(leadership, NO_OP, now)
        self._beat(leadership, now)

    return [patch.object(Replica, "_lead", lead)]


def nothing_adopted() -> Patches:
    """A new leader begins afresh, whatever was accepted before."""
    return [patch.object(electing, "adopt", lambda promises, first: [])]


def duplicate_acks_counted() -> Patches:
    """A replica that accepts twice counts twice."""

    def accepted(self: Leadership, voter: int, slots: Iterable[int]) -> None:
        for slot in slots:
            if pending := self.pending.get(slot):
                pending.accepted_by.add(voter << 8 | len(pending.accepted_by))

    return [patch.object(Leadership, "accepted", accepted)]


def quorum_of_half() -> Patches:
    """Half of the members are taken for a majority of an even number."""
    return [patch.object(core, "majority", lambda members: (members + 1) // 2)]


def own_vote_before_sync() -> Patches:
    """A leader counts its own vote before it is durable."""
    original = Replica._send_proposals

    def send_proposals(self: Replica, lead: Leadership) -> None:
        slots = tuple(entry.slot for entry in lead.unsent)
        original(self, lead)
        if slots:
            self.step(self.id, Accepted(lead.ballot, slots), lead.heartbeat_at)

    return [patch.object(Replica, "_send_proposals", send_proposals)]


def reads_before_barrier() -> Patches:
    """A leader confirms reads as soon as it leads."""

    def confirm(self: Replica, lead: Leadership) -> None:
        if confirmed := lead.reads.confirmed():
            self._ready.confirmed.extend((read, confirmed.read_point) for read in confirmed.reads)

    return [
        patch.object(Replica, "serving", property(lambda self: self.leads)),
        patch.object(Replica, "_confirm_reads", confirm),
    ]


def nonce_constant() -> Patches:
    """Every round of a ballot goes by the same number."""

    def begin(self: ReadRounds, nonce: int, read_point: int) -> None:
        self._round = Round(nonce, read_point, tuple(self._waiting))
        self._waiting.clear()

    def next_nonce(self: Leadership) -> int:
        self.nonce = 1
        return 1

    return [patch.object(ReadRounds, "begin", begin), patch.object(Leadership, "next_nonce", next_nonce)]


def reads_unconfirmed() -> Patches:
    """A leader takes itself for the leader without asking anybody."""
    return [patch.object(ReadRounds, "wants_round", False), patch.object(Replica, "read", _read_unconfirmed)]


def _read_unconfirmed(self: Replica, read: int, now: float) -> None:
    if self.serving:
        self._ready.confirmed.append((read, self.decided_through))
    else:
        self._ready.failed_reads.append(read)


def nothing_sent_again() -> Patches:
    """A lost Accept stays lost."""
    return [patch.object(Replica, "_send_again", lambda self, lead, now: None)]


def never_serves() -> Patches:
    """Nobody helps a replica that fell behind."""
    return [patch.dict(replica._HANDLERS, {Fetch: lambda self, sender, message, now: None})]


def faulty_is_empty() -> Patches:
    """A slot whose entry the disk has lost counts as one for which nothing was accepted."""
    return [patch.object(electing, "open_slots", lambda promises, first, members, quorum: [])]


def _mutant(invariants: str, faults: set[Fault], *bugs: Callable[[], Patches]) -> Mutant:
    return Mutant(frozenset(invariants.split()), frozenset(faults), lambda: [each for bug in bugs for each in bug()])


MUTANTS: dict[str, Mutant] = {
    "promise before sync": _mutant("Ready", set(), lambda: sent_before_sync(Promise)),
    "accepted before sync": _mutant("Ready", set(), lambda: sent_before_sync(Accepted)),
    "prepare before sync": _mutant("Ready", set(), lambda: sent_before_sync(Prepare)),
    "promise not durable": _mutant("Ready", set(), promise_not_durable),
    "accepted before sync, claims unchecked": _mutant(
        "P4 P8", set(), lambda: sent_before_sync(Accepted), claims_unchecked
    ),
    "promise not durable, claims unchecked": _mutant(
        "P1 P2", {Fault.TRANSFER, Fault.CRASH_AT_BOUNDARY}, promise_not_durable, claims_unchecked
    ),
    "own vote before sync": _mutant("P8", set(), own_vote_before_sync),
    "accepts below promise": _mutant("P2", set(), accepts_below_promise),
    "promise omits accepted": _mutant("P4 P5", set(), promise_omits_accepted),
    "promise omits decided": _mutant("P4 P5", set(), promise_omits_decided),
    "adopts lowest ballot": _mutant("P4 P5", {Fault.PARTITION}, adopts_lowest_ballot),
    "nothing adopted": _mutant("P4 P5", set(), nothing_adopted),
    "decided for older ballot": _mutant("P6", {Fault.PARTITION}, decided_for_older_ballot),
    "hole not filled": _mutant("P14", {Fault.LOSS, Fault.RING}, hole_not_filled),
    "duplicate acks counted": _mutant("P8", {Fault.DUPLICATE}, duplicate_acks_counted),
    "quorum of half": _mutant("P4 P5 P8", {Fault.PARTITION}, quorum_of_half),
    "reads before barrier": _mutant("P10", {Fault.TRANSFER}, reads_before_barrier),
    "nonce constant": _mutant("P10", {Fault.PAUSE}, nonce_constant),
    "reads unconfirmed": _mutant("P10", {Fault.PAUSE}, reads_unconfirmed),
    "nothing sent again": _mutant("P14", {Fault.LOSS}, nothing_sent_again),
    "never serves": _mutant("P14", {Fault.LOSS}, never_serves),
    "faulty is empty": _mutant("P4 P5", {Fault.DECAY, Fault.CRASH_ALL, Fault.PARTITION}, faulty_is_empty),
}
"""Those that apply to this tier, by name, each with the faults that make it show soon."""
