"""The write-behind: when it writes, what holds it up, and that a failure ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from ostraka_server.machine import Delta
from ostraka_server.shard import flusher as flusher_module
from ostraka_server.shard.flusher import Flusher
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import DictBase
from tests.machine.commands import entry, put
from tests.shard.script import new_group

T = TypeVar("T")

INTERVAL_S = 0.2
URGENT = 10


class CountingBase(DictBase):
    """Counts writes, and fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[int] = []
        self.failure: Exception | None = None

    def write(self, delta: Delta) -> None:
        if self.failure is not None:
            raise self.failure
        super().write(delta)
        self.written.append(delta.state.applied_slot)


class SlowRunner:
    """Work is done when the gate opens; like a thread it goes on when its caller was cancelled."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.create_task(self._work(work)))

    async def _work(self, work: Callable[[], T]) -> T:
        self.under_way += 1
        await self.gate.wait()
        self.under_way -= 1
        return work()

    def close(self) -> None: ...


class Behind:
    """A machine that applies, and its flusher, running."""

    def __init__(self, clock: VirtualClock) -> None:
        self.base, self.runner = CountingBase(), SlowRunner()
        self.group = new_group(base=self.base)
        self.flusher = Flusher(self.group, self.base, self.runner, clock, INTERVAL_S, URGENT)
        self.task = asyncio.create_task(self.flusher.run())

    def apply(self, entries: int, value: bytes = b"") -> None:
        machine = self.group.machine
        for _ in range(entries):
            machine.apply(machine.applied_slot + 1, entry(put(b"%d" % machine.applied_slot, value)))
        self.flusher.notice()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@virtual_time
async def test_what_was_applied_is_written_an_interval_later_in_one_transaction(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.apply(3)
    await clock.sleep(0.1)
    behind.apply(2)
    assert behind.base.written == []
    await clock.sleep(0.11)
    assert behind.base.written == [5]
    assert behind.group.machine.unflushed_entries == 0
    await behind.stop()


@virtual_time
async def test_much_is_written_at_once(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.apply(URGENT)
    await turns(20)
    assert behind.base.written == [URGENT]
    await behind.stop()


@virtual_time
async def test_many_bytes_are_written_at_once(clock: VirtualClock) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flusher_module, "UNFLUSHED_BYTES_MAX", 4000)
        behind = Behind(clock)
        behind.apply(1, bytes(2000))
        await turns(20)
        assert behind.base.written == [1]
        await behind.stop()


@virtual_time
async def test_an_idle_machine_is_left_alone(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.apply(1)
    await clock.sleep(100.0)
    assert behind.base.written == [1]
    behind.flusher.notice()
    await clock.sleep(100.0)
    assert behind.base.written == [1]
    await behind.stop()


@virtual_time
async def test_what_is_applied_during_a_write_is_in_the_next_one(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.runner.gate.clear()
    behind.apply(URGENT)
    await turns(20)
    behind.apply(3)
    behind.runner.gate.set()
    await clock.sleep(INTERVAL_S)
    assert behind.base.written == [URGENT, URGENT + 3]
    await behind.stop()


@virtual_time
async def test_a_failed_write_ends_it_and_is_not_tried_again(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.base.failure = OSError("full")
    behind.apply(URGENT)
    await turns(20)
    with pytest.raises(OSError, match="full"):
        behind.task.result()
    assert behind.group.machine.unflushed_entries == URGENT


@virtual_time
async def test_the_last_flush_of_a_node_follows_one_that_was_cancelled(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.runner.gate.clear()
    behind.apply(URGENT)
    await turns(20)
    assert behind.runner.under_way == 1
    await behind.stop()
    behind.apply(2)
    behind.runner.gate.set()
    await behind.flusher.flush()
    assert behind.base.state.applied_slot == URGENT + 2
    assert behind.group.machine.unflushed_entries == 0


@virtual_time
async def test_a_flush_that_a_cancelled_one_completed_leaves_nothing_behind(clock: VirtualClock) -> None:
    behind = Behind(clock)
    behind.runner.gate.clear()
    behind.apply(URGENT)
    await turns(20)
    await behind.stop()
    behind.runner.gate.set()
    await behind.flusher.flush()
    assert behind.group.machine.unflushed_entries == 0
    assert len(behind.base.rows) == URGENT
