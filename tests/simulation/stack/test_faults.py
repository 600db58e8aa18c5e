"""Whole nodes while they die, are cut off, or hand over: nothing acknowledged is lost, every call ends."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from ostraka.checking import longest_gap
from ostraka.errors import OutcomeUnknown, Retryable
from ostraka_server.log import LogFailed
from ostraka_server.shard.layout import FIRST_SHARD
from tests.simulation.network import Conditions
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import ROUGH, Cluster, run

GAP_MAX_S = 3.0


@pytest.mark.parametrize("power_loss", [False, True])
def test_the_leader_dies_under_load(power_loss: bool) -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster, *(cluster.client(node.address) for node in cluster.nodes))
        async with load:
            await cluster.sleep(0.5)
            begin, leader = cluster.now, cluster.must_lead
            leader.kill(power_loss=power_loss)
            await cluster.until(lambda: cluster.leader is not None, 3.0)
            await cluster.sleep(0.5)
            leader.start()
            await cluster.sleep(0.5)
        assert longest_gap(load.history.operations(), begin, cluster.now).seconds < GAP_MAX_S
        await load.check()

    run(scenario, seed=4)


def test_all_nodes_lose_power_at_once() -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            for _ in range(3):
                await cluster.sleep(0.6)
                for node in cluster.alive:
                    node.kill(power_loss=True)
                await cluster.sleep(0.1)
                for node in cluster.nodes:
                    node.start()
                await cluster.until(lambda: cluster.leader is not None, 5.0)
        await load.check()
        assert load.writes

    run(scenario, seed=5)


def test_a_leader_that_is_cut_off_acknowledges_nothing_and_another_takes_over() -> None:
    async def scenario(cluster: Cluster) -> None:
        deposed = cluster.must_lead
        load = Load(cluster, *(cluster.client(node.address) for node in cluster.nodes))
        async with load:
            await cluster.sleep(0.3)
            cluster.cut_off([deposed], 3.0)
            await cluster.until(lambda: cluster.leader not in (None, deposed), 3.0)
            applied = deposed.up.group.machine.applied_slot
            await cluster.sleep(0.5)
            assert deposed.up.group.machine.applied_slot == applied
            assert not deposed.up.group.leads
            await cluster.sleep(2.5)
        await load.check()

    run(scenario, seed=6)


def test_a_follower_that_was_cut_off_catches_up() -> None:
    async def scenario(cluster: Cluster) -> None:
        away = cluster.followers[0]
        load = Load(cluster)
        async with load:
            cluster.cut_off([away], 2.0)
            await cluster.sleep(1.9)
            assert away.up.group.machine.applied_slot < cluster.must_lead.up.group.machine.applied_slot - 10
            await cluster.sleep(0.5)
        await load.check()

    run(scenario, seed=7)


def test_a_minority_answers_within_the_deadline_and_truthfully() -> None:
    async def scenario(cluster: Cluster) -> None:
        leader, (other, third) = cluster.must_lead, cluster.followers
        async with cluster.client(leader.address) as client:
            await client.put("k", "before")
            other.kill()
            third.kill()
            begin = cluster.now
            with pytest.raises(OutcomeUnknown):  # it was proposed
                await client.put("k", "proposed", timeout=2.0)
            assert cluster.now - begin <= 2.0
            with pytest.raises(Retryable):  # by now nobody leads
                await client.put("k", "never", timeout=2.0)
            with pytest.raises(Retryable):
                await client.get("k", timeout=2.0)
            assert cluster.now - begin <= 6.1
            assert leader.up.gateway.in_flight == 0
            other.start()
            await cluster.until(lambda: cluster.leader is not None, 5.0)
            found = await client.get("k")
            assert found is not None
            assert found.value in (b"before", b"proposed")

    run(scenario, seed=8)


def test_a_node_that_stops_hands_over_and_nobody_notices() -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            await cluster.sleep(0.5)
            begin, leader = cluster.now, cluster.must_lead
            await leader.stop()
            assert cluster.now - begin < 1.0
            assert leader.ended_by is None
            await cluster.sleep(0.5)
            leader.start()
            await cluster.sleep(0.5)
        assert longest_gap(load.history.operations(), begin, cluster.now).seconds < 0.5
        await load.check()

    run(scenario, seed=9)


def test_a_node_that_stops_puts_everything_into_its_store() -> None:
    async def scenario(cluster: Cluster) -> None:
        for node in cluster.nodes:
            node.disk.slowness["store"] = 200.0  # so that a flush is under way when it stops
        load = Load(cluster)
        async with load:
            for _ in range(3):
                await cluster.sleep(1.05)
                node = cluster.followers[0]
                group = node.up.group
                await node.stop()
                assert node.ended_by is None
                assert group.machine.unflushed_entries == 0
                node.start()
        await load.check()

    run(scenario, seed=10)


def test_leadership_goes_where_it_is_told_to() -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load, cluster.client() as client:
            for node in (*cluster.followers, cluster.must_lead):
                await client.transfer_leader(FIRST_SHARD, node.name)
                await cluster.until(lambda to=node: cluster.leader is to, 2.0)  # type: ignore[misc]
                await cluster.sleep(0.3)
        await load.check()

    run(scenario, seed=11)


def test_a_disk_that_fails_ends_its_node_and_loses_nothing() -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            await cluster.sleep(0.3)
            leader = cluster.must_lead
            leader.disk.log.fail(3, OSError("I/O error"))
            await cluster.until(lambda: leader.life is None, 1.0)
            assert isinstance(leader.ended_by, ExceptionGroup)
            assert leader.ended_by.subgroup(LogFailed) is not None
            await cluster.until(lambda: cluster.leader is not None, 3.0)
            leader.disk.lose_power(cluster.random)
            leader.start()
            await cluster.sleep(0.5)
        await load.check()

    run(scenario, seed=12)


def test_clients_that_give_up_leave_nothing_behind() -> None:
    async def scenario(cluster: Cluster) -> None:
        for node in cluster.nodes:
            node.disk.slowness["log"] = 100.0
        clients = [cluster.client(node.address) for node in cluster.nodes]
        tasks = [
            asyncio.create_task(client.put(f"{number}", "v") if number % 2 else client.count())
            for client in clients
            for number in range(40)
        ]
        await cluster.sleep(0.03)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(end, asyncio.CancelledError) for end in ended)
        await cluster.sleep(2.0)
        for node in cluster.nodes:
            assert node.up.gateway.in_flight == 0
            assert not node.up.forwarder._tasks
            assert not node.up.group.waiting
        for client in clients:
            await client.close()

    run(scenario, seed=13)


async def _misfortune(cluster: Cluster, random: Random) -> None:
    """One thing that goes wrong, from its beginning to its end."""
    node = random.choice([cluster.leader or cluster.alive[0], *cluster.alive])
    match random.choice(("kill", "power", "all", "cut", "stop")):
        case "cut":
            cluster.cut_off([node], random.uniform(0.1, 2.0))
            await cluster.sleep(2.0)
            return
        case "stop":
            await node.stop()
        case "all":
            for each in cluster.alive:
                each.kill(power_loss=True)
        case how:
            node.kill(power_loss=how == "power")
    await cluster.sleep(random.uniform(0.0, 1.5))
    for each in cluster.nodes:
        if each.life is None:
            each.start()


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(6))
def test_misfortunes_over_a_rough_network(seed: int) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.wires.frames.conditions = ROUGH
        load = Load(cluster, *(cluster.client(node.address) for node in cluster.nodes))
        async with load:
            for _ in range(3):
                await cluster.sleep(cluster.random.uniform(0.2, 0.8))
                await _misfortune(cluster, cluster.random)
        cluster.wires.frames.conditions = Conditions()
        await load.check()
        for node in cluster.nodes:
            assert node.ended_by is None
            assert not node.up.forwarder._tasks
            assert not node.up.group.waiting

    run(scenario, seed=seed)
