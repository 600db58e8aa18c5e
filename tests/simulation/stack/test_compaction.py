"""Whoever leads gives up history by itself, and so does the next one; all replicas agree on how much."""

from __future__ import annotations

import pytest

from ostraka.errors import Compacted
from ostraka_server.config import History
from ostraka_server.shard.compaction import LOOK_S
from ostraka_server.shard.layout import FIRST_GROUP
from tests.simulation.stack.cluster import Cluster, run

SHORT = History(age_ms=10_000, revisions=200)
"""Leaders compact in the course of a run."""


def compacted(cluster: Cluster) -> set[int]:
    return {group.machine.compact_revision for group in cluster.groups(FIRST_GROUP)}


def test_leaders_compact_one_after_the_other() -> None:
    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        for _ in range(2):
            for number in range(SHORT.revisions + 50):
                await client.put("key", str(number))
            before = max(compacted(cluster))
            await cluster.until(lambda before=before: min(compacted(cluster)) > before, 3 * LOOK_S)  # type: ignore[misc]
            await cluster.until_level()
            with pytest.raises(Compacted):
                await client.get("key", revision=before or 1)
            former = cluster.must_lead
            former.kill()
            await cluster.until(lambda former=former: cluster.leader not in (None, former), 10.0)  # type: ignore[misc]
            former.start()
            await cluster.until_serves(former)

    run(scenario, history=SHORT)
