"""More than a cluster can do: refused, quickly, and forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.flood import Offer, flood
from tests.e2e.harness import running
from tests.e2e.overload import NODE_MIB_MAX

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("offer", [Offer(100_000, 128, frame_calls=200), Offer(200, 1_000_000, frame_calls=1)], ids=str)
def test_a_flood_is_refused_and_leaves_nothing_behind(offer: Offer, tmp_path: Path) -> None:
    async def overload() -> None:
        async with running(tmp_path / "cluster") as cluster, cluster.client() as client:
            leader = await cluster.leader(client)
            outcome = await flood(leader.endpoint, offer, seconds=2.0)
            assert not outcome.failed
            assert outcome.done.count > 0
            assert outcome.done.count + outcome.refused + outcome.held_back == outcome.offered
            assert outcome.refused + outcome.held_back > outcome.offered / 4
            assert max(member.peak_mib for member in cluster) <= NODE_MIB_MAX
            await client.put("key", "value")

    asyncio.run(overload())
