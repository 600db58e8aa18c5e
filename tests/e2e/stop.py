"""Leadership that moves by itself: a leader is stopped, or told to hand over, while callers hardly notice."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from ostraka.aio import Client
from tests.e2e.harness import GROUP, SHARD, Cluster, data_replica, running, until
from tests.e2e.load import Load
from tests.e2e.member import Member
from tests.e2e.proof import prove

GAP_SECONDS_MAX = 0.5
AROUND_SECONDS = 1.5


async def stops_and_transfers(directory: Path, rounds: int) -> dict[str, object]:
    """Figures of so many stops and transfers under load, and a stop of all. AssertionError where one is not smooth."""
    stop_gaps, transfer_gaps, unknown = [], [], 0
    async with running(directory) as cluster, cluster.client() as client:
        for number in range(rounds):
            load = Load(client, f"round {number}/", seed=number)
            async with load:
                stop_gaps.append(await _stop_leader(cluster, client, load))
                transfer_gaps.append(await _transfer(cluster, client, load))
            await prove(load, directory / f"history-{number}.jsonl")
            unknown += load.unknown()
        await _stop_all(cluster, client)
        cluster.start()
        await cluster.until_ready(client)
        await prove(load, directory / "history-after-restart.jsonl")
    assert unknown == 0, f"{unknown} writes of unknown outcome: what is under way is to be answered first"
    assert max(stop_gaps) < GAP_SECONDS_MAX, f"a stop of the leader held up writes for {max(stop_gaps):.2f} s"
    assert max(transfer_gaps) < GAP_SECONDS_MAX, f"a transfer held up writes for {max(transfer_gaps):.2f} s"
    return {
        "rounds": rounds,
        "longest gap s, stop": round(max(stop_gaps), 2),
        "longest gap s, transfer": round(max(transfer_gaps), 2),
    }


async def _stop_leader(cluster: Cluster, client: Client, load: Load) -> float:
    """SIGTERM to the leader; it is started again. The longest time without an acknowledged write, in seconds."""
    leader = await cluster.leader(client)
    begin = load.now()
    await load.run(AROUND_SECONDS)
    leader.signal(signal.SIGTERM)
    await load.run(AROUND_SECONDS)
    gap = load.gap(begin, load.now()).seconds

    async def ended() -> bool:
        return leader.ended

    await until(ended, f"{leader.name} stopped")
    assert leader.wait() == 0
    leader.start()
    await cluster.until_ready(client)
    return gap


async def _transfer(cluster: Cluster, client: Client, load: Load) -> float:
    """Hand leadership to another node. The longest time without an acknowledged write, in seconds."""
    leader = await cluster.leader(client)
    heir = next(member for member in cluster if member is not leader)
    begin = load.now()
    await load.run(AROUND_SECONDS)
    await client.transfer_leader(SHARD, heir.name)
    await load.run(AROUND_SECONDS)
    gap = load.gap(begin, load.now()).seconds
    assert await cluster.leader(client) is heir
    return gap


async def _stop_all(cluster: Cluster, client: Client) -> None:
    """SIGTERM to all: each ends well, with all that it applied in its store."""
    revisions: set[int] = set()

    async def level() -> bool:
        statuses = [await client.status(member.endpoint) for member in cluster]
        revisions.clear()
        revisions.update(data_replica(status).revision for status in statuses)
        return len(revisions) == 1

    await until(level, "all nodes at one revision")
    assert cluster.terminate() == dict.fromkeys(cluster.members, 0)
    assert {_stored_revision(member) for member in cluster} == revisions


def _stored_revision(member: Member) -> int:
    store = member.node.directory / "data" / f"group-{GROUP}.db"
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        (revision,) = connection.execute("SELECT revision FROM state").fetchone()
    assert isinstance(revision, int)
    return revision
