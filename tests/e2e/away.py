"""A replica that was away while the others truncated what it lacks: it comes back by snapshot, under load."""

from __future__ import annotations

import asyncio
import signal
from math import inf
from pathlib import Path
from statistics import quantiles

from ostraka.aio import Client
from ostraka.checking import Outcome
from ostraka.errors import OstrakaError, OutcomeUnknown
from tests.e2e.harness import GROUP, Cluster, configured, data_replica, until
from tests.e2e.load import Load
from tests.e2e.member import Member
from tests.e2e.proof import prove

RETAINED_ENTRIES = 50
FLUSH_MS = 1000
"""The log is truncated behind a flush: one has to come while the replica is away."""
ALONE_SECONDS = 5.0
AFTER_SECONDS = 3.0
SLOWER_AT_MOST = 5.0
SNAPSHOT = "snapshot installed"
BACK_SECONDS_MAX = 120.0


async def comes_back(directory: Path, writes: int) -> dict[str, object]:
    """Figures of one such return. AssertionError where it does not come back, or the others suffer."""
    with configured(directory) as cluster:
        for member in cluster:
            with member.node.config_file.open("a") as file:
                file.write(f"\n[log]\nretain_entries = {RETAINED_ENTRIES}\n[store]\nflush_interval_ms = {FLUSH_MS}\n")
        cluster.start()
        async with cluster.client() as client:
            await cluster.until_ready(client)
            return await _comes_back(cluster, client, directory, writes)


async def _comes_back(cluster: Cluster, client: Client, directory: Path, writes: int) -> dict[str, object]:
    away = await _follower(cluster, client)
    await client.put("before", "it goes")
    away.signal(signal.SIGKILL)
    away.wait()
    await _write(client, writes)
    load = Load(client, "load/", callers=50)
    async with load:
        begin = load.now()
        await load.run(ALONE_SECONDS)
        alone = _p99(load, begin, load.now())
        begin = load.now()
        away.start()
        await until(_Level(cluster, client, away).is_reached, "the replica that was away is level", BACK_SECONDS_MAX)
        took = load.now() - begin
        await load.run(AFTER_SECONDS)
        meanwhile = _p99(load, begin, load.now())
    assert SNAPSHOT in away.log_text(), "it had everything from the log"
    assert meanwhile <= SLOWER_AT_MOST * alone, f"p99 rose from {alone:.3f} to {meanwhile:.3f} s"
    await prove(load, directory / "history.jsonl")
    return {
        "writes missed": writes,
        "back after s": round(took, 1),
        "p99 alone ms": round(1000 * alone),
        "p99 meanwhile ms": round(1000 * meanwhile),
    }


async def _follower(cluster: Cluster, client: Client) -> Member:
    leader = await cluster.leader(client)
    return next(member for member in cluster if member is not leader)


async def _write(client: Client, writes: int) -> None:
    """A hundred at a time, to as many keys as there are writes."""

    async def some(first: int) -> None:
        for number in range(first, writes, 100):
            await _put(client, f"missed/{number}")

    await asyncio.gather(*(some(first) for first in range(100)))


async def _put(client: Client, key: str) -> None:
    """Once more where the outcome is unknown, since the node that was asked has just been killed: it does no harm."""
    try:
        await client.put(key, b"x" * 100)
    except OutcomeUnknown:
        await client.put(key, b"x" * 100)


class _Level:
    """Whether a member has applied what the leader had decided when that was asked the last time: under load a follower
    is always some milliseconds behind, as it hears with an entry that the one before is decided."""

    def __init__(self, cluster: Cluster, client: Client, member: Member) -> None:
        self._cluster = cluster
        self._client = client
        self._member = member
        self._through: float = inf

    async def is_reached(self) -> bool:
        leader = await self._cluster.leader(self._client)
        before, self._through = self._through, data_replica(await self._client.status(leader.endpoint)).decided_through
        try:
            status = await self._client.status(self._member.endpoint)
        except OstrakaError:
            return False  # it does not listen yet
        return any(each.group == GROUP and each.applied_slot >= before for each in status.replicas)


def _p99(load: Load, begin: float, end: float) -> float:
    """Seconds, of the operations that were answered in this time."""
    operations = (each for each in load.history.operations() if each.outcome is Outcome.OK)
    times = ((each.call, each.returned) for each in operations if each.returned is not None)
    return quantiles([returned - call for call, returned in times if begin <= returned <= end], n=100)[98]
