"""Callers in the background of a test that must not hurt them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from ostraka.checking import Outcome
from tests.e2e.harness import Cluster
from tests.e2e.load import Load
from tests.e2e.proof import prove

CALLERS = 4
ALONE_SECONDS = 0.3


@asynccontextmanager
async def undisturbed(cluster: Cluster, keep: Path) -> AsyncIterator[None]:
    """AssertionError where a node that runs at the beginning ends, a call fails, or something is lost meanwhile."""
    pids = {member.name: member.pid for member in cluster if member.runs}
    async with cluster.client() as client:
        load = Load(client, f"undisturbed {uuid4()}/", callers=CALLERS)
        async with load:
            await load.run(ALONE_SECONDS)
            yield
            await load.run(ALONE_SECONDS)
        assert {member.name: member.pid for member in cluster if member.runs} == pids
        failed = [operation for operation in load.history.operations() if operation.outcome is not Outcome.OK]
        assert not failed, f"{len(failed)} calls did not succeed, such as {failed[:3]}"
        await prove(load, keep / "history.jsonl")
