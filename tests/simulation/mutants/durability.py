"""Bugs in what is durable before what is sent."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from ostraka_server.paxos.acceptor import Acceptor
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.messages import Accept, Accepted, Message
from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.replica import Replica
from ostraka_server.paxos.values import Ballot
from tests.simulation.mutants.mutant import Patches, method
from tests.simulation.protocol import watch


def sent_before_sync(*kinds: type[Message]) -> Patches:
    """Messages of these kinds leave before what they claim is durable."""
    original = Replica._after_sync

    def after_sync(self: Replica, to: int, message: Message) -> None:
        if isinstance(message, kinds) and to != self.id:
            self._at_once(to, message)
        else:
            original(self, to, message)

    return [method(Replica, "_after_sync", after_sync)]


def promise_not_durable() -> Patches:
    """A promise is given and never written."""

    def promise(self: Acceptor, ballot: Ballot, ready: Ready) -> None:
        self.promised = max(self.promised, ballot)

    return [method(Acceptor, "promise", promise)]


def own_vote_before_sync() -> Patches:
    """A leader counts its own vote before it is durable."""
    original = Replica._send_proposals

    def send_proposals(self: Replica, lead: Leadership) -> None:
        slots = tuple(entry.slot for entry in lead.unsent)
        original(self, lead)
        if slots:
            self.step(self.id, Accepted(lead.ballot, slots), lead.heartbeat_at)

    return [method(Replica, "_send_proposals", send_proposals)]


def claims_unchecked() -> Patches:
    """No bug: the rules of Ready are not judged, so that the harm has to be seen in what is agreed on."""

    def only_proposals(agreement: Any, sender: int, message: Message) -> None:
        if isinstance(message, Accept):
            for entry in message.entries:
                agreement.proposed(entry.slot, message.ballot, entry.payload)

    return [patch.object(watch, "check_sent", only_proposals)]
