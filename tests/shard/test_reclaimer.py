"""What compaction gave up leaves the store in bites, and nothing waits for more than one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ostraka_server.machine import Machine
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.reclaimer import PAUSE_S, Reclaimer
from ostraka_server.store import DamagedStore
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import DictBase
from tests.machine.commands import entry, put
from tests.shard.script import new_group
from tests.shard.test_flusher import SlowRunner


class BittenBase(DictBase):
    """Has so many bites of garbage."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 3
        self.asked: list[int] = []
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    def reclaim(self, compact_revision: int, blocks_max: int) -> bool:
        if self.failure is not None:
            raise self.failure
        self.asked.append(compact_revision)
        self.sizes.append(blocks_max)
        self.left -= 1
        return self.left > 0


class Kept:
    """A group, its flusher and its reclaimer, which runs."""

    def __init__(self, clock: VirtualClock) -> None:
        self.base, self.runner = BittenBase(), SlowRunner()
        self.group = new_group(base=self.base)
        self.flusher = Flusher(self.group, self.base, self.runner, clock, 1.0, 10)
        self.task = asyncio.create_task(Reclaimer(self.group, self.flusher, self.runner, clock).run())

    def apply(self) -> None:
        machine = self.group.machine
        machine.apply(machine.applied_slot + 1, entry(put(b"key", b"value")))

    async def flush(self) -> None:
        self.apply()
        await self.flusher.flush()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def compacted() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        yield patched


def given_up(patched: pytest.MonkeyPatch, revision: int) -> None:
    patched.setattr(Machine, "reclaimable_revision", revision)


def test_bites_with_pauses_follow_on_a_flush_until_nothing_is_left(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        given_up(compacted, 0)
        kept = Kept(clock)
        await clock.sleep(1.0)
        given_up(compacted, 7)
        await clock.sleep(1.0)
        assert kept.base.asked == [], "only a flush can bring more"
        await kept.flush()
        await turns(20)
        assert kept.base.asked == [7]
        await clock.sleep(PAUSE_S * 1.5)
        assert kept.base.asked == [7, 7]
        await clock.sleep(1.0)
        await kept.flush()
        await clock.sleep(1.0)
        assert kept.base.asked == [7] * 3, "there was nothing more to do"
        given_up(compacted, 8)
        await kept.flush()
        await clock.sleep(1.0)
        assert kept.base.asked == [7, 7, 7, 8]
        await kept.stop()

    scenario()


def test_what_an_earlier_process_left_is_removed_at_once(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        given_up(compacted, 7)
        kept = Kept(clock)
        await clock.sleep(1.0)
        assert kept.base.asked == [7] * 3
        await kept.stop()

    scenario()


def test_nothing_is_asked_where_nothing_was_given_up(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        kept = Kept(clock)
        given_up(compacted, 0)
        await kept.flush()
        await clock.sleep(1.0)
        assert kept.base.asked == []
        await kept.stop()

    scenario()


def test_a_flush_waits_for_one_bite_at_most(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        given_up(compacted, 7)
        kept = Kept(clock)
        kept.runner.gate.clear()
        await turns(20)
        assert kept.runner.under_way == 1, "a bite"
        kept.apply()
        flush = asyncio.create_task(kept.flusher.flush())
        await turns(20)
        assert not flush.done() and kept.base.state.applied_slot == 0
        kept.runner.gate.set()
        await turns(20)
        assert flush.done() and kept.base.state.applied_slot == 1
        assert kept.base.asked == [7]
        await kept.stop()

    scenario()


def test_bites_grow_while_they_are_quick_and_shrink_where_rows_are_large(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        given_up(compacted, 7)
        kept = Kept(clock)
        kept.base.left = 1000
        await clock.sleep(1.0)
        assert kept.base.sizes[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
        for _ in range(10):
            kept.runner.gate.clear()
            await clock.sleep(2 * PAUSE_S)
            kept.runner.gate.set()
            await turns(20)
        assert kept.base.sizes[-8:] == [32, 16, 8, 4, 2, 1, 1, 1]
        await kept.stop()

    scenario()


def test_damage_that_a_bite_meets_loses_the_store(compacted: pytest.MonkeyPatch) -> None:
    @virtual_time
    async def scenario(clock: VirtualClock) -> None:
        given_up(compacted, 7)
        kept = Kept(clock)
        kept.base.failure = DamagedStore("it", "gone")
        await turns(20)
        assert kept.group.lost and not kept.task.done()
        kept.base.failure = None
        kept.flusher.flushed.set()
        await clock.sleep(1.0)
        assert kept.base.asked == []
        await kept.stop()

    scenario()
