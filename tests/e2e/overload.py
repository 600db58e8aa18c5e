"""Many times what a cluster can do, offered for a while: it does what it can, quickly, and nothing is left of it after.

In one run, so that the figures can be compared on a machine that has other work: what the cluster does when it is
offered too much; a load of SUSTAINABLE times that; TIMES as much as this load; and the load once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ostraka.aio import Client
from tests.e2e.flood import Offer, Outcome, flood
from tests.e2e.harness import Cluster, data_replica, running

VALUE_BYTES = (128, 64 << 10, 1_000_000)
TIMES = 20
SUSTAINABLE = 0.7
"""Nearer to what a cluster can do at most, waits in an open loop are long and vary without bound."""
TOO_MUCH_CALLS, TOO_MUCH_BYTES = 50_000, 200_000_000
"""A second: no cluster on one machine does as much."""
FRAME_BYTES = 32 << 10
PROBE_SECONDS, RECOVERY_SECONDS = 5.0, 5.0
STEADY_SECONDS_MIN, STEADY_SHARE = 8.0, 1 / 3
"""Of the overload's seconds: large values make the disk stall now and then, and a few stalls are a 99th percentile."""

SLOWER_MAX = 5.0
RECOVERED_MIN, RECOVERED_MAX = 0.95, 2.0
"""Times the rate and the latency before: room for the noise of a machine, but not for any rest of the overload."""
NODE_MIB_MAX = 859
"""See docs/limits.md, "Memory of a node"."""


async def bear_overload(directory: Path, seconds: float, sizes: Sequence[int] = VALUE_BYTES) -> dict[str, object]:
    """Figures of an overload of so many seconds with values of each size. AssertionError where one is not borne."""
    figures: dict[str, object] = {}
    for value_bytes in sizes:
        async with running(directory / str(value_bytes)) as cluster, cluster.client() as client:
            found = await _overload(cluster, client, value_bytes, seconds)
        figures |= {f"{value_bytes} bytes, {name}": figure for name, figure in found.items()}
    return figures


async def _overload(cluster: Cluster, client: Client, value_bytes: int, seconds: float) -> dict[str, object]:
    leader = await cluster.leader(client)

    async def offer(rate: float, seconds: float) -> Outcome:
        frame_calls = max(1, min(FRAME_BYTES // value_bytes, round(rate / 200)))
        return await flood(leader.endpoint, Offer(rate, value_bytes, frame_calls), seconds)

    async def ballot() -> int:
        return data_replica(await client.status(leader.endpoint)).ballot_round

    steady_seconds = max(STEADY_SECONDS_MIN, STEADY_SHARE * seconds)
    first_ballot = await ballot()
    probe = await offer(min(TOO_MUCH_CALLS, TOO_MUCH_BYTES / value_bytes), PROBE_SECONDS)
    rate = SUSTAINABLE * probe.done_per_s
    await offer(rate, RECOVERY_SECONDS)
    steady = await offer(rate, steady_seconds)
    over = await offer(TIMES * rate, seconds)
    mib = [member.peak_mib for member in cluster]
    await offer(rate, RECOVERY_SECONDS)
    after = await offer(rate, steady_seconds)
    figures = _figures(steady, over, after) | {"peak MiB": mib}
    problems = {
        "an election": await ballot() != first_ballot,
        "calls failed otherwise than by a refusal": any(load.failed for load in (steady, over, after)),
        "over the stated memory": max(mib) > NODE_MIB_MAX,
        "what is admitted is slow": _times(over, steady) > SLOWER_MAX,
        "less done after it": after.done_per_s < RECOVERED_MIN * steady.done_per_s,
        "slow after it": _times(after, steady) > RECOVERED_MAX,
    }
    assert not any(problems.values()), f"{[name for name, found in problems.items() if found]}: {figures}"
    return figures


def _times(load: Outcome, other: Outcome) -> float:
    """How many times as slow."""
    return max(load.milliseconds(share) / other.milliseconds(share) for share in (0.5, 0.99))


def _figures(steady: Outcome, over: Outcome, after: Outcome) -> dict[str, object]:
    loads = {"sustainable": steady, "overload": over, "after": after}
    rates = {
        "offered/s": over.offered / over.seconds,
        "held back/s": over.held_back / over.seconds,
        "refused/s": over.refused / over.seconds,
        "done/s": over.done_per_s,
        "sustainable/s": steady.done_per_s,
        "after/s": after.done_per_s,
    }
    return {
        **{name: round(rate) for name, rate in rates.items()},
        **{f"{name} p50/p99 ms": f"{x.milliseconds(0.5):.0f}/{x.milliseconds(0.99):.0f}" for name, x in loads.items()},
        "stalls of the load itself ms": [round(1000 * load.stall_s) for load in loads.values()],
        "failed": sum((load.failed for load in loads.values()), start=type(over.failed)()).most_common(3),
    }
