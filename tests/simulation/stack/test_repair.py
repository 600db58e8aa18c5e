"""Nodes whose logs decay while they are down: what has a name is repaired from the others, the rest is refused."""

from __future__ import annotations

from random import Random

import pytest

from ostraka_server.log import LogCorrupt
from ostraka_server.log.layout import SECTOR
from ostraka_server.shard.layout import FIRST_GROUP
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import Cluster, run
from tests.simulation.stack.host import Host


def written(node: Host) -> list[tuple[str, int]]:
    """Every byte of the log that holds something: its file and offset."""
    return [(name, byte) for name, at in node.disk.written() for byte in range(at, at + SECTOR)]


def flip(node: Host, places: list[tuple[str, int]]) -> None:
    for name, at in places:
        node.disk.log.open(name).flip(at, 0x10)


async def starts(cluster: Cluster, node: Host, damaged: list[tuple[str, int]]) -> bool:
    """Start a node on a damaged disk, and have it repaired. Where it refuses, its disk heals as if by a miracle."""
    flip(node, damaged)
    node.start()
    try:
        await cluster.until_serves(node)
    except LogCorrupt:
        flip(node, damaged)
        node.start()
        await cluster.until_serves(node)
        return False
    await cluster.until_level()
    log = node.up.hosting.log
    for number, group in node.up.hosting.groups.items():
        assert log.lacks(number, group.replica.decided_through) == log.base(number), "all of it can be read again"
    return True


@pytest.mark.parametrize("seed", range(3))
def test_decayed_entries_are_had_from_the_others_and_nothing_acknowledged_is_lost(seed: int) -> None:
    async def scenario(cluster: Cluster) -> None:
        random = Random(seed)
        repaired = 0
        load = Load(cluster)
        for _ in range(5):
            async with load:
                await cluster.sleep(0.3)
            node = random.choice(cluster.nodes)
            node.kill()
            repaired += await starts(cluster, node, random.sample(written(node), random.choice((1, 2, 5))))
            await cluster.until(lambda: cluster.leader is not None, 5.0)
        await load.check()
        assert repaired, "some damage has a name"

    run(scenario, seed=seed)


def test_entries_that_the_store_does_not_have_are_fetched() -> None:
    """The store is gone as well: every entry is needed, and each fourth one is damaged."""

    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        for number in range(20):
            await client.put(f"key {number}", f"value {number}".encode())
        node = cluster.followers[0]
        node.kill()
        places = []
        for number in range(0, 20, 4):
            for name in node.disk.log.list():
                data = node.disk.log.open(name).read(0, 1 << 24)
                places += [(name, at)] if (at := data.find(b"value %d" % number)) > 0 else []
        node.lose_store(FIRST_GROUP)
        assert await starts(cluster, node, places)
        assert node.up.group.machine.get(b"key 16") is not None

    run(scenario, seed=9)
