"""Whole nodes together, in one thread on virtual time: what a client sees while nothing is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ostraka.errors import InvalidRequest, Overloaded, TooLarge
from ostraka.v1.kv_pb2 import GetRequest, GetResponse, PutRequest, PutResponse
from ostraka_server.config import Store
from ostraka_server.shard.layout import FIRST_LAYOUT, LAYOUT_KEY, SYSTEM_GROUP
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import LIMITS, ROUGH, Cluster, run
from tests.simulation.stack.elsewhere import digest_elsewhere
from tests.simulation.trace import Trace


def test_put_get_range_and_delete() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            assert (await client.put("a", "1")).revision == 2
            prev = (await client.put("a", "2", prev=True)).prev
            assert prev is not None
            assert (prev.value, prev.version) == (b"1", 1)
            await client.put("b", "3")
            assert [(kv.key, kv.value) async for kv in client.range()] == [(b"a", b"2"), (b"b", b"3")]
            assert await client.count(prefix="a") == 1
            assert (await client.delete("a")).deleted == 1
            assert await client.get("a") is None

    run(scenario)


def test_a_range_of_many_pages_is_read_to_its_end() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            for number in range(30):
                await client.put(f"{number:03}", bytes(4000))
            assert [int(kv.key) async for kv in client.range()] == list(range(30))

    run(scenario)


@pytest.mark.parametrize("node", [0, 1, 2])
def test_any_node_answers_everything(node: int) -> None:
    async def scenario(cluster: Cluster) -> None:
        gateway = cluster.nodes[node]
        apart = [other for other in cluster.nodes if other is not gateway]
        async with cluster.client(gateway.address) as client:
            # The client reaches no other node, so that this one has to pass everything on.
            cluster.wires.isolate([client.number], [other.number for other in apart], 100.0)
            await client.put("k", "v")
            found = await client.get("k")
            assert found is not None
            assert found.value == b"v"
            assert (await client.delete("k")).deleted == 1

    run(scenario)


def test_a_unary_call_means_the_same_as_a_framed_one() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            for node in cluster.nodes:
                put = PutRequest(key=b"k", value=node.name.encode())
                answer = await client.wire.unary(node.address, "/ostraka.v1.KV/Put", put.SerializeToString(), 2.0)
                assert PutResponse.FromString(answer).header.shard == 1
                get = GetRequest(key=b"k").SerializeToString()
                answer = await client.wire.unary(node.address, "/ostraka.v1.KV/Get", get, 2.0)
                assert GetResponse.FromString(answer).kv.value == node.name.encode()

    run(scenario)


def test_serializable_reads_need_no_majority() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            await client.put("k", "v")
            await cluster.until_level()
            others = cluster.nodes[1:]
            for node in others:
                node.kill()
            found = await client.get("k", serializable=True)
            assert found is not None
            assert found.value == b"v"
            assert [kv.key async for kv in client.range(serializable=True)] == [b"k"]

    run(scenario)


def test_what_is_wrong_is_refused_with_its_reason() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            with pytest.raises(InvalidRequest, match="key is empty"):
                await client.put("", "v")
            with pytest.raises(TooLarge, match="value_bytes_max"):
                await client.put("k", bytes(LIMITS.value_bytes_max + 1))

    run(scenario)


def test_the_layout_is_published_where_clients_cannot_reach_it() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.until(lambda: all(each.machine.get(LAYOUT_KEY) for each in cluster.groups(SYSTEM_GROUP)), 5.0)
        await cluster.until_level()
        for system in cluster.groups(SYSTEM_GROUP):
            row = system.machine.get(LAYOUT_KEY)
            assert row is not None
            assert row.value == FIRST_LAYOUT.encode()
            assert row.version == 1
        async with cluster.client() as client:
            assert [kv async for kv in client.range()] == []

    run(scenario)


def test_load_over_a_rough_network_is_linearizable() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.wires.frames.conditions = ROUGH
        load = Load(cluster, *(cluster.client(node.address) for node in cluster.nodes))
        async with load:
            await cluster.sleep(3.0)
        assert len(load.writes) > 100
        await load.check()

    run(scenario, seed=3)


def test_five_nodes_agree_as_three_do() -> None:
    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            await cluster.sleep(1.0)
            for node in cluster.followers[:2]:
                node.kill(power_loss=True)
            await cluster.sleep(2.0)
        assert len(load.writes) > 50
        await load.check()

    run(scenario, size=5)


def test_a_lone_node_is_a_cluster() -> None:
    async def scenario(cluster: Cluster) -> None:
        async with cluster.client() as client:
            await client.put("k", "v")
            cluster.nodes[0].kill(power_loss=True)
            cluster.nodes[0].start()
            found = await client.get("k")
            assert found is not None
            assert found.value == b"v"

    run(scenario, size=1)


def test_a_slow_store_slows_the_leader_down_and_nothing_grows() -> None:
    unflushed_max = 20

    async def scenario(cluster: Cluster) -> None:
        leader = cluster.must_lead
        load = Load(cluster, callers=12)
        largest = 0
        async with load:
            await cluster.sleep(1.0)
            swift = len(load.writes)
            for node in cluster.nodes:
                node.disk.slowness["store"] = 2000.0  # a flush takes a second
            for _ in range(60):
                await cluster.sleep(0.05)
                group = leader.up.group
                largest = max(largest, group.replica.decided_through - group.machine.applied_slot)
                assert group.machine.unflushed_entries <= unflushed_max
            slow = (len(load.writes) - swift) / 3
            assert cluster.leader is leader, "it slows down, it is not deposed"
            assert 0 < slow < swift / 2
            assert largest <= leader.config.paxos.window_entries
            for node in cluster.nodes:
                node.disk.slowness.clear()
            before = len(load.writes)
            await cluster.until(lambda: len(load.writes) - before > swift / 2, 10.0)
        await load.check()

    run(scenario, store=Store(flush_interval_ms=100, unflushed_entries_max=unflushed_max))


def test_more_calls_than_a_node_takes_are_told_to_come_back() -> None:
    async def scenario(cluster: Cluster) -> None:
        leader = cluster.must_lead
        async with cluster.client(leader.address) as client:
            await client.put("first", "v")
            leader.disk.slowness["log"] = 1000.0
            outcomes = await asyncio.gather(
                *(client.put(f"{i}", "v", timeout=0.2) for i in range(50)), return_exceptions=True
            )
            assert any(isinstance(outcome, Overloaded) for outcome in outcomes)
            assert leader.up.gateway.in_flight <= 10
            await cluster.sleep(1.0)
            assert leader.up.gateway.in_flight == 0

    run(scenario, limits=replace(LIMITS, calls_in_flight_max=10))


async def eventful(cluster: Cluster) -> None:
    """A bit of everything."""
    cluster.wires.frames.conditions = ROUGH
    load = Load(cluster)
    async with load:
        await cluster.sleep(0.3)
        leader = cluster.must_lead
        leader.kill(power_loss=True)
        await cluster.sleep(0.8)
        leader.start()
        await cluster.sleep(0.3)


def digest(seed: int) -> str:
    """The event hash of an eventful run."""
    trace: Trace = run(eventful, seed=seed)
    return trace.digest


def test_equal_seeds_are_equal_runs_and_others_are_not() -> None:
    first = digest(1)
    assert digest(1) == first
    assert digest(2) != first


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_the_hash_of_strings_decides_nothing(hash_seed: str) -> None:
    assert digest_elsewhere(__name__, 1, hash_seed) == digest(1)
