"""When a replica makes a snapshot for others, and when it does without. The rest is seen in the simulated cluster."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ostraka_server.paxos import NO_BALLOT, ReplicaId
from ostraka_server.shard.seams import Runner
from ostraka_server.shard.snapshot_source import Order, SnapshotSource
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage, WantSnapshot
from ostraka_server.store import MemoryFactory, Owner, Store
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.receiving import FailingRunner, InlineRunner
from tests.shard.script import new_group
from tests.shard.turner import HeldRunner
from tests.store.histories import some_delta

WANT = WantSnapshot(NO_BALLOT, 3)


class Source:
    """Of a store at slot 3, on a disk with so many bytes to spare."""

    def __init__(self, clock: VirtualClock, runner: Runner, spare: int = 1 << 30) -> None:
        self.factory, self.spare = MemoryFactory(), spare
        Store.open(self.factory, Owner("c", "n1", 1)).write(some_delta(3))
        self._said: list[SnapshotMessage] = []
        self.source = SnapshotSource(new_group(), self.factory, runner, clock, self._send, self._has_room)
        self._running = asyncio.create_task(self.source.run())

    def _send(self, to: ReplicaId, message: SnapshotMessage) -> None:
        self._said.append(message)

    def _has_room(self, size: int) -> bool:
        return size <= self.spare

    async def answers(self, *orders: Order) -> list[SnapshotMessage]:
        """What it says to these."""
        for order in orders:
            self.source.take(2, order)
            await turns()
        said, self._said = self._said, []
        return said

    async def end(self) -> None:
        """Raises what it ended with."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


@virtual_time
async def test_a_snapshot_never_takes_of_the_disks_reserve(clock: VirtualClock) -> None:
    source = Source(clock, InlineRunner())
    source.spare = source.factory.size - 1
    assert await source.answers(WANT) == []
    assert source.source.taken == 0
    source.spare += 1
    (offered,) = await source.answers(WANT)
    assert isinstance(offered, OfferSnapshot)
    assert (offered.slot, source.source.taken) == (3, 1)
    assert offered.size <= source.factory.size
    await source.end()


@virtual_time
async def test_the_log_keeps_what_follows_on_a_snapshot_from_before_it_is_made(clock: VirtualClock) -> None:
    runner = HeldRunner([])
    source = Source(clock, runner)
    assert source.source.needed_from is None
    runner.gate.clear()
    assert await source.answers(WANT) == []
    assert source.source.needed_from == 0, "else it would be of no use by the time that it is made"
    runner.gate.set()
    assert all(isinstance(offered, OfferSnapshot) for offered in await source.answers(WANT))
    assert source.source.needed_from == 3
    await source.end()


@virtual_time
async def test_a_copy_that_cannot_be_read_costs_the_copy_and_not_the_node(clock: VirtualClock) -> None:
    source = Source(clock, FailingRunner(2))
    (offered,) = await source.answers(WANT)
    assert isinstance(offered, OfferSnapshot)
    request = RequestChunk(NO_BALLOT, offered.digest, 0)
    assert await source.answers(request) == []
    again, chunk = await source.answers(WANT, request)
    assert again == offered
    assert isinstance(chunk, Chunk)
    assert source.source.taken == 2
    await source.end()
