"""How transcripts write messages and entries.

A ballot is round.replica, in another epoch than the first with "epoch N:" before it; an entry is slot=payload@ballot.
"""

from __future__ import annotations

from collections.abc import Iterable

from ostraka_server.paxos.messages import (
    Accept,
    Accepted,
    Decided,
    Fetch,
    Heartbeat,
    HeartbeatAck,
    Message,
    Nack,
    Prepare,
    PrePrepare,
    PrePromise,
    Promise,
    TakeOver,
)
from ostraka_server.paxos.values import NO_BALLOT, NO_OP, Ballot, Entry, Faulty

LISTED_MAX = 8
"""Longer runs of slots are written by their ends."""


def ballot(of: Ballot) -> str:
    if of == NO_BALLOT:
        return "none"
    epoch = "" if of.epoch == 1 else f"epoch {of.epoch}:"
    return f"{epoch}{of.round}.{of.replica}"


def slots(of: Iterable[int]) -> str:
    listed = list(of)
    if len(listed) <= LISTED_MAX:
        return " ".join(map(str, listed)) or "none"
    gapless = listed == list(range(listed[0], listed[0] + len(listed)))
    return f"{listed[0]} to {listed[-1]}" if gapless else f"{len(listed)} of {listed[0]} to {listed[-1]}"


def values(of: Iterable[Entry]) -> str:
    """Slots and payloads, without the ballot."""
    listed = list(of)
    if len(listed) > LISTED_MAX:
        return slots(entry.slot for entry in listed)
    return " ".join(f"{entry.slot}={_payload(entry.payload)}" for entry in listed) or "none"


def entries(of: Iterable[Entry]) -> str:
    listed = list(of)
    if len(listed) > LISTED_MAX:
        return slots(entry.slot for entry in listed)
    return " ".join(f"{values([entry])}@{ballot(entry.ballot)}" for entry in listed) or "none"


def faulty(of: Iterable[Faulty]) -> str:
    """What is added where slots are faulty."""
    listed = " ".join(f"{each.slot}@{ballot(each.ballot)}" for each in of)
    return f", faulty {listed}" if listed else ""


def _payload(payload: bytes) -> str:
    if payload == NO_OP:
        return "no-op"
    return payload.decode() if len(payload) <= LISTED_MAX else f"({len(payload)} bytes)"


def title(message: Message) -> str:
    """Which message it is, in short."""
    return f"{type(message).__name__} {ballot(message.ballot)}"


def message(of: Message) -> str:
    """All that it says."""
    return f"{title(of)}{_body(of)}"


def _body(of: Message) -> str:
    match of:
        case PrePrepare():
            return f", decided through {of.decided_through}"
        case PrePromise():
            answer = "yes" if of.granted else f"no, promised {ballot(of.promised)}"
            return f": {answer}, decided through {of.decided_through}"
        case Prepare() | Fetch():
            return f" from slot {of.first}"
        case Promise():
            return f": accepted {entries(of.accepted)}{faulty(of.faulty)}, decided through {of.decided_through}"
        case Accept():
            return f": {values(of.entries)}, decided through {of.decided_through}"
        case Accepted():
            return f": {slots(of.slots)}"
        case Nack():
            return f": promised {ballot(of.promised)}"
        case Heartbeat() | HeartbeatAck():
            return f" nonce {of.nonce}, decided through {of.decided_through}"
        case Decided():
            return f": {entries(of.entries)}, of {of.decided_through}"
        case TakeOver():
            return ""
