"""How a replica asks for a snapshot, and what it makes of offers and chunks that no honest node sends.

The rest is seen in the simulated cluster.
"""

from __future__ import annotations

from hashlib import sha256
from logging import WARNING

import pytest

from ostraka_server.paxos import NO_BALLOT, ReplicaId
from ostraka_server.shard.snapshot_sink import ASK_INTERVAL_S, MESSAGES_MAX, SnapshotSink
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage, WantSnapshot
from ostraka_server.store import Image, MemoryFactory, Owner
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.shard.receiving import FailingRunner, InlineRunner, answers
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


@virtual_time
async def test_a_disk_that_does_not_take_a_chunk_costs_the_transfer_and_not_the_node(clock: VirtualClock) -> None:
    data = b"no database" * 100
    chunk = Chunk(NO_BALLOT, sha256(data).digest(), 0, data)
    said = await answers(clock, offer(data, 5000), chunk, chunk, offer(data, 5000), runner=FailingRunner(2))
    assert said == [RequestChunk(NO_BALLOT, chunk.digest, 0)] * 2


def test_what_would_take_of_the_disks_reserve_is_not_begun_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    @virtual_time
    async def receive(clock: VirtualClock) -> None:
        small, large = offer(b"small", 999), offer(b"large", 1000)
        said = await answers(clock, large, large, small, has_room=lambda size: size < 1000)
        assert said == [RequestChunk(NO_BALLOT, small.digest, 0)]

    receive()
    assert [record.message for record in caplog.records if record.levelno == WARNING] == ["snapshot not received"]


async def _never(image: Image, slot: int) -> bool:
    raise AssertionError("nothing is offered")


@virtual_time
async def test_a_replica_without_its_store_goes_on_asking_whatever_else_arrives(clock: VirtualClock) -> None:
    group, owner = new_group(), Owner("c", "n1", 1)
    asked: list[tuple[ReplicaId, SnapshotMessage]] = []

    def send(to: ReplicaId, message: SnapshotMessage) -> None:
        asked.append((to, message))

    sink = SnapshotSink(group, MemoryFactory(), owner, InlineRunner(), clock, send, _never, lambda size: True)
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
