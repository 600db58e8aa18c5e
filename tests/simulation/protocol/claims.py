"""The rules of Ready: a message may claim only what is durable where it comes from."""

from __future__ import annotations

from ostraka_server.paxos.messages import Accept, Accepted, HeartbeatAck, Message, Prepare, Promise, Send
from tests.simulation.agreement import Agreement
from tests.simulation.violation import Violation


def check_sent(agreement: Agreement, replica: int, message: Message) -> None:
    """Judge a message at the moment it leaves `replica`, whether or not it will arrive."""
    match message:
        case Prepare(ballot) | Promise(ballot) | HeartbeatAck(ballot):
            if not agreement.has_promised(replica, ballot):
                raise Violation("Ready", f"replica {replica} sends {message} before its promise is durable")
        case Accepted(ballot, slots):
            for slot in slots:
                if not agreement.has_voted(replica, slot, ballot) and slot not in agreement.chosen:
                    raise Violation("Ready", f"replica {replica} sends {message} before slot {slot} is durable")
        case Accept(ballot, entries):
            for entry in entries:
                agreement.proposed(entry.slot, ballot, entry.payload)


def check_at_once(replica: int, send: Send) -> None:
    """A message to oneself is a vote for oneself: never before the sync."""
    if send.to == replica:
        raise Violation("Ready", f"replica {replica} sends {send.message} to itself before the sync")
