"""The rules of Ready: a message may claim only what is durable where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ostraka_server.paxos.messages import Accept, Accepted, HeartbeatAck, Message, Prepare, Promise, Send
from tests.simulation.agreement import Agreement
from tests.simulation.violation import Violation


def check_sent(agreement: Agreement, replica: int, message: Message) -> None:
    """Judge a message at the moment it leaves `replica`, whether or not it will arrive."""
    check = _CHECKS.get(type(message))
    if check is not None:
        check(agreement, replica, message)


def _promised(agreement: Agreement, replica: int, message: Prepare | Promise | HeartbeatAck) -> None:
    if not agreement.has_promised(replica, message.ballot):
        raise Violation("Ready", f"replica {replica} sends {message} before its promise is durable")


def _voted(agreement: Agreement, replica: int, message: Accepted) -> None:
    for slot in message.slots:
        if not agreement.has_voted(replica, slot, message.ballot) and slot not in agreement.chosen:
            raise Violation("Ready", f"replica {replica} sends {message} before slot {slot} is durable")


def _proposed(agreement: Agreement, replica: int, message: Accept) -> None:
    for entry in message.entries:
        agreement.proposed(entry.slot, message.ballot, entry.payload)


_CHECKS: dict[type, Callable[[Agreement, int, Any], None]] = {
    Prepare: _promised,
    Promise: _promised,
    HeartbeatAck: _promised,
    Accepted: _voted,
    Accept: _proposed,
}


def check_at_once(replica: int, send: Send) -> None:
    """A message to oneself is a vote for oneself: never before the sync."""
    if send.to == replica:
        raise Violation("Ready", f"replica {replica} sends {send.message} to itself before the sync")
