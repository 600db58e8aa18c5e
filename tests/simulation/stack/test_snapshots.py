"""Whole nodes that take a snapshot: because others have truncated what they lack, or because their store is gone."""

from __future__ import annotations

from random import Random

import pytest

from ostraka.errors import Compacted
from ostraka_server.config import Log, Store
from ostraka_server.shard.layout import FIRST_GROUP
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import ROUGH, Cluster, KiB, run
from tests.simulation.stack.host import Host

SHORT = Log(segment_bytes=512 * KiB, retain_entries=40)
FLUSHING = Store(flush_interval_ms=50)


def base(node: Host) -> int:
    return node.up.hosting.log.base(FIRST_GROUP)


def installed(node: Host) -> int:
    """Snapshots of the data shard that this process of the node took in."""
    return node.up.hosting.sinks[FIRST_GROUP].installed


async def until_truncated(cluster: Cluster, slot: int) -> None:
    """Until nobody that is up can send the entries through `slot` any more."""
    await cluster.until(lambda: all(base(node) > slot for node in cluster.nodes if node.serves), 30.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_replica_that_was_away_comes_back_by_snapshot_under_load(seed: int) -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            away = cluster.followers[0]
            slot = away.up.group.replica.decided_through
            away.kill(power_loss=bool(seed % 2))
            await until_truncated(cluster, slot)
            if seed == 2:
                cluster.wires.frames.conditions = ROUGH
            away.start()
            await cluster.until_serves(away)
            await cluster.until(lambda: installed(away) == 1, 5.0)
            await cluster.until(lambda: not away.up.group.lost, 1.0)
            await cluster.sleep(1.0)
        await load.check()
        assert base(away) > slot
        others = [node.up.hosting for node in cluster.nodes if node is not away]
        sources = [hosting.sources[FIRST_GROUP] for hosting in others]
        assert sum(source.taken for source in sources) > 0
        received = away.up.hosting.sinks[FIRST_GROUP].received_bytes
        assert 0 < received <= sum(source.sent_bytes for source in sources)
        assert all(any(hosting.flushers[FIRST_GROUP].checkpoint_seconds.counts) for hosting in others)

    run(scenario, seed=seed, store=FLUSHING, log=SHORT)


def test_a_snapshot_brings_the_past_that_is_kept_and_no_other() -> None:
    """The compaction, too, came while the replica was away."""

    async def scenario(cluster: Cluster) -> None:
        client, away = cluster.client(), cluster.followers[0]
        slot = away.up.group.replica.decided_through
        away.kill()
        revisions = [(await client.put("key", f"{number}")).revision for number in range(100)]
        await client.compact(revisions[50])
        await until_truncated(cluster, slot)
        away.start()
        await cluster.until_serves(away)
        await cluster.until(lambda: installed(away) == 1 and not away.up.group.lost, 5.0)
        await cluster.until_level()

        local = cluster.client(away.address)
        for number in (50, 51, 99):
            found = await local.get("key", revision=revisions[number], serializable=True)
            assert found is not None
            assert found.value == b"%d" % number
        with pytest.raises(Compacted) as refused:
            await local.get("key", revision=revisions[49], serializable=True)
        assert refused.value.compact_revision == revisions[50]

    run(scenario, seed=8, store=FLUSHING, log=SHORT)


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_lost_store_is_rebuilt_and_its_replica_votes_meanwhile(everywhere: bool) -> None:
    """With `everywhere` every node loses its store, one after the other."""

    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            await until_truncated(cluster, 1)
            for node in cluster.nodes if everywhere else cluster.followers[:1]:
                await node.stop()
                node.lose_store(FIRST_GROUP)
                node.start()
                await cluster.until_serves(node)
                assert node.up.group.lost and not node.up.group.replica.may_lead
                await cluster.until(lambda up=node.up: not up.group.lost, 5.0)  # type: ignore[misc]
                await cluster.sleep(1.0)
        await load.check()

    run(scenario, seed=5, store=FLUSHING, log=SHORT)


def test_one_of_two_that_has_lost_its_store_still_makes_a_quorum() -> None:
    """Its promise and what it accepted are in the log; the snapshot it needs comes from whoever has one, led or not."""

    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        for number in range(100):
            await client.put(f"key {number}", b"value")
        await until_truncated(cluster, 1)
        left, lost = cluster.must_lead, cluster.followers[0]
        for node in cluster.nodes:
            node.kill()
        lost.lose_store(FIRST_GROUP)
        lost.start()
        await cluster.sleep(3.0)
        assert lost.up.group.lost and not lost.up.group.replica.elections
        left.start()
        await cluster.until(lambda: cluster.leader is not None and not lost.up.group.lost, 10.0)
        assert (await client.get("key 99")) is not None
        await cluster.until_level()

    run(scenario, seed=6, store=FLUSHING, log=SHORT)


@pytest.mark.parametrize("seed", range(6))
def test_power_may_fail_at_any_moment_of_a_transfer(seed: int) -> None:
    """At the receiver and at whoever sends; in the end all agree, and nothing acknowledged is lost."""

    async def scenario(cluster: Cluster) -> None:
        random = Random(seed)
        load = Load(cluster)
        async with load:
            for _ in range(2):
                away = cluster.followers[0]
                slot = away.up.group.replica.decided_through
                away.kill(power_loss=True)
                await until_truncated(cluster, slot)
                away.start()
                await cluster.sleep(random.uniform(0.0, 0.6))
                victim = random.choice([away, *cluster.alive])
                victim.kill(power_loss=True)
                await cluster.sleep(random.uniform(0.0, 0.2))
                victim.start()
                await cluster.until(lambda: cluster.leader is not None, 10.0)
        await load.check()

    run(scenario, seed=seed, store=FLUSHING, log=SHORT)
