"""What replicas say to one another to hand over a snapshot: offered by one, asked for chunk by chunk by the other.

Like messages of consensus, each carries a ballot and with it the epoch: the receiver's when it began to ask.
"""

from __future__ import annotations

from dataclasses import dataclass

from ostraka_server.paxos import Ballot


@dataclass(frozen=True, slots=True)
class WantSnapshot:
    """My store is lost: offer me one of the state after `slot` or a later one."""

    ballot: Ballot
    slot: int


@dataclass(frozen=True, slots=True)
class OfferSnapshot:
    """What you need is truncated here: take the state after `slot` instead. `size` in bytes, and all their digest."""

    ballot: Ballot
    slot: int
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class RequestChunk:
    """Send me the snapshot of this digest from `offset` on."""

    ballot: Ballot
    digest: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes from `offset` on."""

    ballot: Ballot
    digest: bytes
    offset: int
    data: bytes


SnapshotMessage = WantSnapshot | OfferSnapshot | RequestChunk | Chunk
