"""Where room runs out, in real processes: a full disk, too many streams."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from ostraka.aio import Client
from ostraka.errors import Overloaded
from ostraka_server.config import Limits
from tests.e2e.harness import SHARD, Cluster, configured, tool
from tests.e2e.undisturbed import undisturbed

pytestmark = pytest.mark.e2e

EXCHANGE = "/ostraka.v1.Exchange/Exchange"
MiB = 1 << 20
SEGMENT = 16 * MiB
RESERVE = 3 * 144 * MiB
"""Three nodes share the disk: each may still have to write what it has applied but not flushed, to a WAL and a file."""
BALLAST = RESERVE
"""Gone, it leaves enough even where all of the reserve was used."""
DISK = 3 * SEGMENT + 2 * RESERVE + BALLAST
SETTINGS = f"[log]\nsegment_bytes = {SEGMENT}\n[limits]\ndisk_reserve_bytes = {RESERVE}\n"


async def write_without_end(client: Client) -> None:
    """A MiB after the other, until one is refused."""
    for number in range(2 * DISK // MiB):
        await client.put(f"key {number}", bytes(MiB))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK bytes, to be filled."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = subprocess.run([tool("mount"), "-t", "tmpfs", "-o", f"size={DISK}", "ostraka-test", directory])
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs to be root")
    try:
        yield directory
    finally:
        subprocess.run([tool("umount"), "--lazy", directory], check=True)


def test_a_disk_that_gets_full_refuses_writes_until_there_is_space(small_disk: Path) -> None:
    async def fill(cluster: Cluster) -> None:
        async with cluster.client(timeout=2.0) as client:
            await cluster.until_ready(client)
            with pytest.raises(Overloaded) as refused:
                await write_without_end(client)
            leader = await cluster.leader(client)
            for named in (str(leader.node.directory), "bytes free", "free space"):
                assert named in str(refused.value)
            assert (await client.get("key 0")).value == bytes(MiB)  # type: ignore[union-attr]
            assert not [member.name for member in cluster if member.ended]

            other = next(member for member in cluster if member is not leader)
            await client.transfer_leader(SHARD, other.name)
            assert await cluster.leader(client) is other

            ballast.unlink()
            await client.put("key 0", b"written again")
            assert (await client.get("key 0")).value == b"written again"  # type: ignore[union-attr]
            assert not [member.name for member in cluster if member.ended]

    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(BALLAST))
    with configured(small_disk / "cluster") as cluster:
        for member in cluster:
            with member.node.config_file.open("a") as file:
                file.write(SETTINGS)
        cluster.start()
        asyncio.run(fill(cluster))


def test_streams_beyond_the_limit_are_refused_and_disturb_nobody(cluster: Cluster, tmp_path: Path) -> None:
    async def flood() -> None:
        async with undisturbed(cluster, tmp_path), grpc.aio.insecure_channel(cluster.endpoints[0]) as channel:
            method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(EXCHANGE)
            streams = [method() for _ in range(1000)]
            refused = [asyncio.create_task(stream.code()) for stream in streams]
            done, open_streams = await asyncio.wait(refused, timeout=2.0)
            assert {task.result() for task in done} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
            assert 0 < len(open_streams) <= Limits().streams_max
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*open_streams, return_exceptions=True)

    asyncio.run(flood())
