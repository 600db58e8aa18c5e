"""What a replica makes of offers and chunks that no honest node sends; the rest is seen in the simulated cluster."""

from __future__ import annotations

from hashlib import sha256

from ostraka_server.paxos import NO_BALLOT
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.shard.receiving import answers


def offer(data: bytes, size: int) -> OfferSnapshot:
    return OfferSnapshot(NO_BALLOT, 9, size, sha256(data).digest())


@virtual_time
async def test_an_offer_of_nothing_is_no_offer(clock: VirtualClock) -> None:
    assert await answers(clock, offer(b"", 0)) == []


@virtual_time
async def test_what_is_not_a_database_is_not_installed(clock: VirtualClock) -> None:
    data = b"no database" * 100
    digest = sha256(data).digest()
    chunk = Chunk(NO_BALLOT, digest, 0, data)
    assert await answers(clock, offer(data, len(data)), chunk) == [RequestChunk(NO_BALLOT, digest, 0)]


@virtual_time
async def test_chunks_that_were_not_asked_for_change_nothing(clock: VirtualClock) -> None:
    data = b"no database" * 100
    digest = sha256(data).digest()
    asked = RequestChunk(NO_BALLOT, digest, 0)
    strange = [
        Chunk(NO_BALLOT, digest, 5, data),
        Chunk(NO_BALLOT, b"another", 0, data),
        Chunk(NO_BALLOT, digest, 0, b""),
        Chunk(NO_BALLOT, digest, 0, data + b"more"),
    ]
    assert await answers(clock, *strange, offer(data, len(data)), *strange) == [asked]
