"""Rounds of `kill -9` under load: of the leader, of any node, of all at once.

Each round writes keys of its own, so that each is checked by itself; the cluster and the client live through all.
"""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ostraka.aio import Client
from tests.e2e.harness import Cluster, running
from tests.e2e.load import Load
from tests.e2e.member import Member
from tests.e2e.proof import prove

GAP_SECONDS_MAX = 3.0
BEFORE_SECONDS = 1.5
AFTER_SECONDS = 4.5
"""Longer than the longest gap allowed, so that a longer one shows as such."""


class Victims(Enum):
    """Who is killed in a round."""

    LEADER = "leader"
    RANDOM = "random"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Survived:
    """A round that held."""

    acknowledged_writes: int
    unknown: int
    gap_seconds: float
    """The longest time around the kill in which no write was acknowledged."""


async def kill_rounds(directory: Path, victims: Victims, rounds: int, *, seed: int = 0) -> dict[str, object]:
    """Figures of so many rounds on one cluster. AssertionError where one does not hold what is promised."""
    chance = random.Random(seed)
    survived = []
    async with running(directory) as cluster, cluster.client() as client:
        for number in range(rounds):
            load = Load(client, f"round {number}/", seed=chance.randrange(2**32))
            survived.append(await _round(cluster, client, load, victims, chance))
            await prove(load, directory / f"history-{victims.value}-{number}.jsonl")
    longest = max(each.gap_seconds for each in survived)
    if victims is Victims.LEADER:
        assert longest <= GAP_SECONDS_MAX, f"{longest:.2f} s without an acknowledged write"
    return {
        "rounds": rounds,
        "acknowledged writes": sum(each.acknowledged_writes for each in survived),
        "unknown": sum(each.unknown for each in survived),
        "longest gap s": round(longest, 2),
    }


async def _round(cluster: Cluster, client: Client, load: Load, victims: Victims, chance: random.Random) -> Survived:
    async with load:
        await load.run(BEFORE_SECONDS)
        dead = await _chosen(cluster, client, victims, chance)
        killed_at = load.now()
        for member in dead:  # none of them has time to see another one die
            member.signal(signal.SIGKILL)
        for member in dead:
            member.wait()
        if victims is Victims.ALL:
            cluster.start()
        await load.run(AFTER_SECONDS)
        over_at = load.now()
        if victims is not Victims.ALL:
            dead[0].start()
        await cluster.until_ready(client)
        await load.run(BEFORE_SECONDS)
    gap = load.gap(killed_at - BEFORE_SECONDS / 2, over_at)
    return Survived(load.acknowledged_writes(), load.unknown(), gap.seconds)


async def _chosen(cluster: Cluster, client: Client, victims: Victims, chance: random.Random) -> list[Member]:
    if victims is Victims.LEADER:
        return [await cluster.leader(client)]
    return list(cluster) if victims is Victims.ALL else [chance.choice(list(cluster))]
