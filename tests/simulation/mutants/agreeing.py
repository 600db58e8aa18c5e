"""Bugs in how replicas promise, accept, adopt and count."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from ostraka_server.paxos import core, electing, replica
from ostraka_server.paxos.acceptor import Acceptor
from ostraka_server.paxos.adoption import adopt, open_slots
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.messages import Accept, Accepted, Message, Promise
from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.replica import Replica
from ostraka_server.paxos.values import NO_OP, Ballot
from tests.simulation.mutants.mutant import WAKES_AT, Function, Patches, method, sleeping


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

    return [patch.dict(replica._HANDLERS, {Accept: sleeping(original, on_accept)})]


def promise_omits_accepted() -> Patches:
    """A promise that says nothing about what was accepted."""
    return [method(Acceptor, "accepted_from", lambda self, first: ())]


def promise_omits_decided() -> Patches:
    """A promise that leaves out what is known decided, and does not say so."""
    original = Replica._after_sync

    def after_sync(self: Replica, to: int, message: Message) -> None:
        original(self, to, replace(message, decided_through=0) if isinstance(message, Promise) else message)

    return [method(Replica, "_after_sync", after_sync)]


def adopts_lowest_ballot() -> Patches:
    """The new leader takes the oldest payload that was reported for a slot, not that of the highest ballot."""

    def adopt_oldest(promises: Iterable[Promise], first: int) -> list[tuple[int, bytes]]:
        promises = list(promises)
        lowest = sorted((entry for promise in promises for entry in promise.accepted), key=lambda each: each.ballot)
        oldest = {entry.slot: entry.payload for entry in reversed(lowest)}
        return [(slot, oldest.get(slot, NO_OP)) for slot, _ in adopt(promises, first)]

    return [_recovery("adopt", adopt, adopt_oldest)]


def nothing_adopted() -> Patches:
    """A new leader begins afresh, whatever was accepted before."""
    return [_recovery("adopt", adopt, lambda promises, first: [])]


def faulty_is_empty() -> Patches:
    """A slot whose entry the disk has lost counts as one for which nothing was accepted."""
    return [_recovery("open_slots", open_slots, lambda promises, first, members, quorum: [])]


def _recovery(name: str, sound: Function, bug: Function) -> AbstractContextManager[Any]:
    """In place of a function that a new leader calls with the promises and its first slot that is not decided."""

    def either(promises: Iterable[Promise], first: int, *more: int) -> Any:
        return (bug if first > WAKES_AT else sound)(promises, first, *more)

    return patch.object(electing, name, either)


def decided_for_older_ballot() -> Patches:
    """A leader's `decided_through` is believed for entries of any ballot."""

    def believe(self: Acceptor, ballot: Ballot, through: int, ready: Ready) -> bool:
        while self.decided_through < through:
            entry = self.accepted.get(self.decided_through + 1)
            if entry is None:
                return False
            self._decide(entry, ready)
        return True

    return [method(Acceptor, "believe", believe)]


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

    return [method(Replica, "_lead", lead)]


def duplicate_acks_counted() -> Patches:
    """A replica that accepts twice counts twice."""

    def accepted(self: Leadership, voter: int, slots: Iterable[int]) -> None:
        for slot in slots:
            if pending := self.pending.get(slot):
                pending.accepted_by.add(voter << 8 | len(pending.accepted_by))

    return [method(Leadership, "accepted", accepted, decided=lambda lead: min(lead.pending, default=0))]


def quorum_of_half() -> Patches:
    """Half of the members are taken for a majority of an even number. Awake from the start: no unit test minds."""
    return [patch.object(core, "majority", lambda members: (members + 1) // 2)]
