"""The values that consensus is about. Validated where they enter the process, trusted inside."""

from __future__ import annotations

from typing import NamedTuple

ReplicaId = int
"""Minted at random (63 bits, never 0) when a directory is formatted; never reused."""


class Ballot(NamedTuple):
    """A numbered attempt at leading a group. Ordered by epoch, then round, then replica.

    1. No two replicas ever use the same ballot, since it ends in the replica's own id.
    2. A replica never uses a ballot twice, also across restarts: it records its promise before it asks for others.
    """

    epoch: int
    round: int
    replica: ReplicaId


NO_BALLOT = Ballot(0, 0, 0)
"""Below every ballot that anyone can use."""


class Entry(NamedTuple):
    """What a replica accepted for a slot.

    1. Slots count from 1.
    2. For one (slot, ballot) there is only one payload.
    3. An empty payload is a no-op: it fills a hole or is a barrier.
    """

    slot: int
    ballot: Ballot
    payload: bytes


class Faulty(NamedTuple):
    """A slot for which a replica accepted an entry of this ballot, and cannot say any more which."""

    slot: int
    ballot: Ballot


NO_OP = b""
