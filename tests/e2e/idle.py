"""What a cluster costs that nobody uses."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from time import perf_counter

from ostraka.aio import Client
from tests.e2e.harness import Cluster, running

CORE_SHARE_MAX = 0.05
"""Of one core, all nodes together."""
RESIDENT_MIB_MAX = 100.0
KEYS = 10_000
CALLERS = 100


async def idle(directory: Path, *, settle_seconds: float, window_seconds: float) -> dict[str, object]:
    """Figures of an idle cluster of 10^4 keys, so long after its start. AssertionError where it takes too much."""
    async with running(directory) as cluster:
        began = perf_counter()
        async with cluster.client() as client:
            await _fill(client)
        await asyncio.sleep(began + settle_seconds - perf_counter())
        before, since = _cpu_seconds(cluster), perf_counter()
        await asyncio.sleep(window_seconds)
        share = (_cpu_seconds(cluster) - before) / (perf_counter() - since)
        resident = [_resident_mib(member.pid) for member in cluster]
    assert share < CORE_SHARE_MAX, f"{share:.1%} of a core while idle"
    assert max(resident) < RESIDENT_MIB_MAX, f"{max(resident):.0f} MiB resident"
    return {"share of a core": f"{share:.1%}", "resident MiB": [round(each) for each in resident]}


async def _fill(client: Client) -> None:
    async def call(first: int) -> None:
        for number in range(first, KEYS, CALLERS):
            await client.put(f"key {number}", "v" * 128)

    await asyncio.gather(*(call(first) for first in range(CALLERS)))
    assert await client.count() == KEYS


def _cpu_seconds(cluster: Cluster) -> float:
    """User and system time of all nodes so far. See proc(5): fields 14 and 15, the name in parentheses before them."""
    ticks = 0
    for member in cluster:
        fields = Path(f"/proc/{member.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident_mib(pid: int) -> float:
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) / 1024
