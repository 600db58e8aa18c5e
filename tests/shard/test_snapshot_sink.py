"""How a replica asks for a snapshot, and what it makes of offers and chunks that no honest node sends.

The rest is seen in the simulated cluster.
"""

from __future__ import annotations

from hashlib import sha256

from ostraka_server.paxos import NO_BALLOT, ReplicaId
from ostraka_server.shard.snapshot_sink import ASK_INTERVAL_S, MESSAGES_MAX, SnapshotSink
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage, WantSnapshot
from ostraka_server.store import Image, MemoryFactory, Owner
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.shard.receiving import InlineRunner, answers
from tests.shard.script import new_group


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


async def _never(image: Image) -> None:
    raise AssertionError("nothing is offered")


@virtual_time
async def test_a_replica_without_its_store_goes_on_asking_whatever_else_arrives(clock: VirtualClock) -> None:
    group, owner = new_group(), Owner("c", "n1", 1)
    asked: list[tuple[ReplicaId, SnapshotMessage]] = []
    sink = SnapshotSink(group, MemoryFactory(), owner, InlineRunner(), clock, lambda *each: asked.append(each), _never)
    sink.ask()
    assert asked == [], "its store is sound"
    group.lose()
    sink.ask()
    for _ in range(MESSAGES_MAX + 1):
        sink.take(2, Chunk(NO_BALLOT, b"", 0, b""))  # nobody takes them in: a chunk is being written, say
    await clock.sleep(2.5 * ASK_INTERVAL_S)
    assert [to for to, _ in asked] == [2, 3, 2]
    assert {message for _, message in asked} == {WantSnapshot(NO_BALLOT, 0)}
    group.lost = False
    await clock.sleep(2 * ASK_INTERVAL_S)
    assert len(asked) == 3
