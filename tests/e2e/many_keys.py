"""A million keys: what they take of memory, of a start, of puts, and of others while somebody reads them all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.e2e.findings import Findings
from tests.e2e.harness import Cluster, running
from tests.e2e.outside import load, scan

FEW_KEYS = 10_000
PEAK_MIB_MAX = 400
READY_SECONDS_MAX = 10.0
PUTS_SHARE_MIN = 0.7
PUT_ROUNDS = 5
PUTS = ("--mix=put", "--callers=100", "--seconds=8")
SCANNED_PER_S_MIN = 100_000
SLOWER_AT_MOST = 5.0
SCAN_SECONDS = 12.0
OTHERS = ("--mix=put=50,get=50", "--rate=500", "--callers=500", "--seconds=10", "--no-fill")
"""Far fewer requests than a cluster can do, while it is scanned."""


async def holds_many_keys(directory: Path, keys: int) -> dict[str, object]:
    """Figures of a cluster with so many keys. AssertionError where it does not hold what it must."""
    found = Findings()
    async with running(directory / "many") as many, running(directory / "few") as few:
        for cluster, size in ((few, FEW_KEYS), (many, keys)):
            await load(cluster, "--mix=get", f"--keys={size}", "--callers=500", "--processes=2", "--seconds=0.1")
        _judge_memory(many, found, "filling")
        await _restart(many, found)
        await _scan(many, keys, found)
        await _put(many, keys, few, found)
        _judge_memory(many, found, "all the rest")
    return found.judged()


def _judge_memory(cluster: Cluster, found: Findings, what: str) -> None:
    peaks = [member.peak_mib for member in cluster]
    found.figures[f"peak MiB, {what}"] = peaks
    found.must(max(peaks) < PEAK_MIB_MAX, f"{what} takes {PEAK_MIB_MAX} MiB or more")


async def _restart(cluster: Cluster, found: Findings) -> None:
    cluster.kill()
    began = perf_counter()
    cluster.start()
    async with cluster.client() as client:
        await cluster.until_ready(client)
    seconds = perf_counter() - began
    found.figures["ready after s"] = round(seconds, 1)
    found.must(seconds < READY_SECONDS_MAX, f"ready after {READY_SECONDS_MAX:.0f} s or more")


async def _scan(cluster: Cluster, keys: int, found: Findings) -> None:
    alone = await load(cluster, *OTHERS, f"--keys={keys}")
    rate, meanwhile = await asyncio.gather(scan(cluster, keys, SCAN_SECONDS), load(cluster, *OTHERS, f"--keys={keys}"))
    found.figures["scanned keys/s"] = round(rate)
    found.figures["p99 ms of others, alone and meanwhile"] = [round(each.p99_ms, 1) for each in (alone, meanwhile)]
    found.must(rate >= SCANNED_PER_S_MIN, f"fewer than {SCANNED_PER_S_MIN} keys/s scanned")
    found.must(meanwhile.p99_ms < SLOWER_AT_MOST * alone.p99_ms, f"others {SLOWER_AT_MOST:.0f} times as slow meanwhile")


async def _put(many: Cluster, keys: int, few: Cluster, found: Findings) -> None:
    """By turns, as the machine may have other work: the median of the ratios counts."""
    shares = []
    for _ in range(PUT_ROUNDS):
        on_few = await load(few, *PUTS, f"--keys={FEW_KEYS}")
        on_many = await load(many, *PUTS, f"--keys={keys}")
        shares.append(on_many.operations_per_s / on_few.operations_per_s)
    found.figures["puts, share of the rate on few keys"] = [round(share, 2) for share in shares]
    found.must(median(shares) >= PUTS_SHARE_MIN, f"puts at less than {PUTS_SHARE_MIN} of the rate on few keys")
