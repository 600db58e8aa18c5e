"""When writes are refused for want of disk space, and when they go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ostraka.v1.common_pb2 import Reason
from ostraka_server.shard import failures
from ostraka_server.shard.disk_reserve import CHECK_INTERVAL_S, DiskReserve, free_bytes
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.shard.asking import get, put
from tests.shard.test_gateway import Entrance, reason

T = TypeVar("T")


class Inline:
    """A `Runner` without a thread."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None:
        pass


class Disk:
    """With so many bytes free; None where it cannot be asked."""

    def __init__(self, free: int | None) -> None:
        self.free = free
        self.asked = 0

    def free_bytes(self) -> int:
        self.asked += 1
        if self.free is None:
            raise OSError("no answer")
        return self.free


def reserve_on(disk: Disk, clock: VirtualClock) -> DiskReserve:
    return DiskReserve(Path("/data/n1"), 1000, Inline(), clock, disk.free_bytes)


@virtual_time
async def test_below_the_reserve_writes_are_refused_by_name(clock: VirtualClock) -> None:
    disk = Disk(1000)
    reserve = reserve_on(disk, clock)
    await reserve.check()
    assert reserve.refusal is None
    disk.free = 999
    await reserve.check()
    assert reserve.refusal is not None
    error = reserve.refusal.error
    assert error.code == failures.RESOURCE_EXHAUSTED
    assert error.detail.surely_not_done
    assert error.detail.retry_after_ms > 0
    for named in ("/data/n1", "999 bytes free", "need 1000", "free space"):
        assert named in error.message


@virtual_time
async def test_it_looks_again_and_recovers_by_itself(clock: VirtualClock) -> None:
    disk = Disk(0)
    reserve = reserve_on(disk, clock)
    running = asyncio.create_task(reserve.run())
    await clock.sleep(1.5 * CHECK_INTERVAL_S)
    assert reserve.refusal is not None
    disk.free = 5000
    await clock.sleep(CHECK_INTERVAL_S)
    assert reserve.refusal is None
    assert disk.asked == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@virtual_time
async def test_a_disk_that_does_not_answer_changes_nothing(clock: VirtualClock) -> None:
    disk = Disk(5)
    reserve = reserve_on(disk, clock)
    await reserve.check()
    disk.free = None
    await reserve.check()
    assert reserve.refusal is not None
    assert reserve.free_bytes == 5


def test_free_space_is_what_the_file_system_says(tmp_path: Path) -> None:
    before = free_bytes(tmp_path)
    assert 0 < before < 2**60


@virtual_time
async def test_a_leader_refuses_writes_and_answers_reads(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.data.lead()
    entrance.gateway.write_refusal = lambda: failures.disk_low("/data", 1, 2)
    assert reason(entrance.submit(put())) == Reason.OVERLOADED
    replies = entrance.submit(get())
    entrance.data.turn()
    entrance.data.acknowledge()
    assert replies[0].HasField("get")
    assert entrance.gateway.in_flight == 0


@virtual_time
async def test_a_node_that_does_not_lead_passes_writes_on(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    entrance.gateway.write_refusal = lambda: failures.disk_low("/data", 1, 2)
    assert entrance.submit(put()) == []
    assert len(entrance.forwarder.forwarded) == 1
