"""Every message that replicas of a group exchange. All on one screen, all immutable.

Each carries a ballot, and with it the epoch. Requests carry the ballot they are made in, answers the ballot they
answer; group, sender and receiver stand on the envelope (`Send`, and the argument of `Replica.step`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ostraka_server.paxos.values import Ballot, Entry, Faulty, ReplicaId


@dataclass(frozen=True, slots=True)
class PrePrepare:
    """Would you promise this ballot? Burns nothing: only a node that can win goes on to Prepare."""

    ballot: Ballot
    decided_through: int


@dataclass(frozen=True, slots=True)
class PrePromise:
    """Yes, or no with the reasons to learn from."""

    ballot: Ballot
    granted: bool
    promised: Ballot
    decided_through: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Phase 1a over every slot from `first` on. Sent once the sender's own promise is durable."""

    ballot: Ballot
    first: int


@dataclass(frozen=True, slots=True)
class Promise:
    """Phase 1b: every slot through `decided_through` is decided (fetch those), and all that was accepted above it.

    For the slots in `faulty` something was accepted that the sender cannot read any more.
    """

    ballot: Ballot
    accepted: tuple[Entry, ...]
    decided_through: int
    faulty: tuple[Faulty, ...] = ()


@dataclass(frozen=True, slots=True)
class Accept:
    """Phase 2a. Every entry is of the message's ballot."""

    ballot: Ballot
    entries: tuple[Entry, ...]
    decided_through: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """Phase 2b: these slots are durable here under this ballot."""

    ballot: Ballot
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Refused: a higher ballot is promised here."""

    ballot: Ballot
    promised: Ballot


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The leader lives. `nonce` is unique within the ballot and never sent twice to start a new round."""

    ballot: Ballot
    nonce: int
    decided_through: int


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """At the time of this answer no higher ballot was promised here."""

    ballot: Ballot
    nonce: int
    decided_through: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send me decided entries from `first` on."""

    ballot: Ballot
    first: int


@dataclass(frozen=True, slots=True)
class Decided:
    """Decided entries without a gap from `first` on (as many as fit a message), for one who asked."""

    ballot: Ballot
    first: int
    entries: tuple[Entry, ...]
    decided_through: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The leader asks a caught-up replica to run for leadership at once."""

    ballot: Ballot


Message = (
    PrePrepare | PrePromise | Prepare | Promise | Accept | Accepted | Nack
    | Heartbeat | HeartbeatAck | Fetch | Decided | TakeOver
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """A message and where it goes. A message to the replica itself is stepped back into it like any other."""

    to: ReplicaId
    message: Message
