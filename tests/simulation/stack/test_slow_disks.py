"""Whole nodes on disks that take their time."""

from __future__ import annotations

import asyncio

from tests.simulation.stack.cluster import Cluster, run


def test_a_sync_that_takes_longer_than_an_election_timeout_deposes_nobody() -> None:
    async def scenario(cluster: Cluster) -> None:
        leader = cluster.must_lead
        ballot = leader.up.group.replica.ballot
        for node in cluster.nodes:
            node.disk.slowness["log"] = 1000.0  # a sync takes half a second, sometimes two
        async with cluster.client(timeout=60.0) as client:
            for _ in range(5):
                await asyncio.gather(*(client.put(f"{i}", "v") for i in range(3)))
        for node in cluster.nodes:
            assert node.up.group.replica.ballot == ballot
        assert cluster.leader is leader

    run(scenario)
