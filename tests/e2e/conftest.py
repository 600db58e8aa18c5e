"""The cluster of the tests that leave it as they find it: one for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.harness import Cluster, configured


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Ready. Shared: whoever kills or stops nodes runs a cluster of their own."""

    async def until_ready(cluster: Cluster) -> None:
        async with cluster.client() as client:
            await cluster.until_ready(client)

    with configured(tmp_path_factory.mktemp("shared") / "cluster") as cluster:
        cluster.start()
        asyncio.run(until_ready(cluster))
        yield cluster
