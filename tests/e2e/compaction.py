"""A million revisions given up under load: nobody is held up by it, and their space is had again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from ostraka.aio import Client
from tests.e2e.findings import Findings
from tests.e2e.harness import GROUP, Cluster, configured, until
from tests.e2e.outside import load

KEYS = "--keys=10000"
AS_FAST_AS_CAN_BE = ("--mix=put", "--callers=500", "--processes=2", "--seconds=10", KEYS)
AT_EASE = ("--mix=put", "--rate=500", "--callers=500", KEYS)
"""Far fewer puts than a cluster can do."""
ALONE_SECONDS, MEANWHILE_SECONDS = 10, 30
SLOWER_AT_MOST = 5.0
LEFT_SHARE_MAX = 0.25
"""Of the file: history was most of it, and a part of what is free stays for the next."""
RECLAIMED_SECONDS_MAX = 300.0


async def compacts_under_load(directory: Path, revisions: int) -> dict[str, object]:
    """Figures of giving up so many revisions. AssertionError where puts suffer or the space stays taken."""
    with _keeping_all_history(directory) as cluster:
        cluster.start()
        async with cluster.client() as client:
            await cluster.until_ready(client)
            return await _compact(cluster, client, revisions)


@contextmanager
def _keeping_all_history(directory: Path) -> Iterator[Cluster]:
    """A cluster that never compacts by itself."""
    with configured(directory) as cluster:
        for member in cluster:
            with member.node.config_file.open("a") as file:
                file.write("\n[history]\nage_ms = 0\nrevisions = 0\n")
        yield cluster


async def _compact(cluster: Cluster, client: Client, revisions: int) -> dict[str, object]:
    found = Findings()
    while await _revision(client) < revisions:
        await load(cluster, *AS_FAST_AS_CAN_BE)
    full = _store_bytes(cluster)
    alone = await load(cluster, *AT_EASE, f"--seconds={ALONE_SECONDS}")
    compacted, began = await _revision(client), perf_counter()

    async def reclaimed() -> bool:
        return _store_bytes(cluster) < LEFT_SHARE_MAX * full

    async def reclaim() -> float:
        await client.compact(compacted)
        await until(reclaimed, "the space of the history is had again", RECLAIMED_SECONDS_MAX)
        return perf_counter() - began

    meanwhile, seconds = await asyncio.gather(load(cluster, *AT_EASE, f"--seconds={MEANWHILE_SECONDS}"), reclaim())
    found.figures = {
        "revisions given up": compacted,
        "MiB of all stores, before and after": [round(each / 2**20) for each in (full, _store_bytes(cluster))],
        "reclaimed after s": round(seconds),
        "p99 ms of puts, alone and meanwhile": [round(each.p99_ms, 1) for each in (alone, meanwhile)],
    }
    found.must(meanwhile.p99_ms < SLOWER_AT_MOST * alone.p99_ms, f"puts {SLOWER_AT_MOST:.0f} times as slow meanwhile")
    return found.judged()


async def _revision(client: Client) -> int:
    return (await client.put("revision", "")).revision


def _store_bytes(cluster: Cluster) -> int:
    return sum(file.stat().st_size for file in cluster.directory.rglob(f"group-{GROUP}.db"))
