"""What a replica makes of offers and chunks that no honest node sends; the rest is seen in the simulated cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ostraka_server.paxos import NO_BALLOT
from ostraka_server.shard.snapshot_sink import Delivery, SnapshotSink
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage
from ostraka_server.store import FileFactory, Image, Owner
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.script import new_group

T = TypeVar("T")


class InlineRunner:
    """Work is done at once."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None: ...


async def _install(image: Image) -> None:
    raise AssertionError("there is nothing to install")


async def answers(clock: VirtualClock, *messages: Delivery) -> list[SnapshotMessage]:
    """What the sink of replica 1 says when replica 2 sends it these. Raises what the sink ends with."""
    said: list[SnapshotMessage] = []
    with TemporaryDirectory() as directory:
        store, owner = FileFactory(Path(directory) / "group-1.db"), Owner("c", "n1", 1)
        sink = SnapshotSink(
            new_group(), store, owner, InlineRunner(), clock, lambda to, message: said.append(message), _install
        )
        running = asyncio.create_task(sink.run())
        for message in messages:
            sink.take(2, message)
            await turns()
        if not running.done():
            running.cancel()
            await asyncio.wait((running,))
        else:
            await running
    return said


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
