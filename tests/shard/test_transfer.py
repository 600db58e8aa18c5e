"""Putting a snapshot in the place of a store. The rest is seen in the simulated cluster."""

from __future__ import annotations

import asyncio

from ostraka_server.machine import EMPTY_STATE, Machine, MachineState
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.transfer import Installer
from ostraka_server.store import Image, MemoryFactory, Owner, Store, complete, take
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.receiving import InlineRunner
from tests.shard.script import new_group
from tests.store.histories import some_delta

OWNER = Owner("c", "n1", 1)


class Replacing:
    """A replica with an empty store, and what it takes to give it another. `done` to the disk is noted."""

    def __init__(self, clock: VirtualClock) -> None:
        self.done: list[str] = []
        self.factory = MemoryFactory(saved=lambda image: self.done.append("replace"))
        self.group = new_group()
        store, _ = self._open()
        runner = InlineRunner()
        self.flusher = Flusher(self.group, store, runner, clock, 1.0, 100)
        self.installer = Installer(
            self.group, self.flusher, store, self.factory, self._open, self._truncated, runner, clock
        )

    def received(self, slot: int) -> Image:
        """The state after `slot`, as another node sent it."""
        theirs = MemoryFactory()
        Store.open(theirs, OWNER._replace(node="n2")).write(some_delta(slot))
        _, digest, copied = take(theirs)
        image = self.factory.receive()
        image.write(0, copied.read(0, copied.size))
        assert complete(image, digest, OWNER)
        return image

    def _open(self) -> tuple[Store, Machine]:
        self.store = Store.open(self.factory, OWNER)
        state = self.store.state()
        return self.store, Machine(self.store, MachineState(*state) if state else EMPTY_STATE)

    async def _truncated(self, group: int, base: int) -> None:
        self.done.append(f"truncate {base}")


@virtual_time
async def test_a_snapshot_takes_the_place_of_store_and_machine(clock: VirtualClock) -> None:
    here = Replacing(clock)
    assert await here.installer.install(here.received(5), 5)
    assert (here.group.machine.applied_slot, here.group.replica.decided_through, here.group.lost) == (5, 5, False)
    assert here.flusher.store is here.store


@virtual_time
async def test_the_log_lets_go_of_what_a_snapshot_covers_once_that_is_the_store(clock: VirtualClock) -> None:
    """A crash between the two leaves entries that were accepted, but perhaps not chosen, below the slot that the store
    has applied; it knows that it began there. The other way round it would leave neither entries nor store: of what
    this replica had accepted with one other, that one alone would have a copy."""
    here = Replacing(clock)
    await here.installer.install(here.received(5), 5)
    assert here.done == ["replace", "truncate 5"]
    assert here.store.installed_slot() == 5


@virtual_time
async def test_a_snapshot_that_was_overtaken_while_a_flush_was_under_way_is_left(clock: VirtualClock) -> None:
    """By then the log may have been truncated behind the store: what follows on the snapshot would be nowhere."""
    here = Replacing(clock)
    image = here.received(5)
    async with here.flusher.idle():
        installing = asyncio.create_task(here.installer.install(image, 5))
        await turns()
        here.group.replica.install(5, clock.now())
    assert not await installing
    assert (here.store.state(), here.group.lost, here.done) == (None, False, [])
