"""Health: what is told of nodes, services and shards, and to whom it is told when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub, add_HealthServicer_to_server

from ostraka_server.rpc.health import NODE, NOT_SERVING, SERVING, UNKNOWN, Health
from tests.rpc.cluster import Cluster
from tests.rpc.serving import serving

KV = "ostraka.v1.KV"


def statuses(health: Health) -> dict[str, int]:
    return {name: health.status(name) for name in (NODE, KV, "shard-0", "shard-1")}


def test_before_the_node_serves_it_has_no_shards_and_is_not_serving() -> None:
    health = Health([KV])
    assert statuses(health) == {NODE: NOT_SERVING, KV: NOT_SERVING, "shard-0": UNKNOWN, "shard-1": UNKNOWN}


@pytest.mark.parametrize("node", ["n1", "n2"], ids=["leader", "follower"])
def test_whoever_reaches_a_quorum_serves(node: str) -> None:
    cluster, health = Cluster(), Health([KV])
    health.serve(cluster.nodes[node].values())
    assert set(statuses(health).values()) == {NOT_SERVING}
    cluster.elect("n1")
    assert set(statuses(health).values()) == {SERVING}


@pytest.mark.parametrize("node", ["n1", "n2"], ids=["leader", "follower"])
def test_whoever_is_cut_off_stops_serving_within_two_election_timeouts(node: str) -> None:
    cluster, health = Cluster(), Health([KV])
    health.serve(cluster.nodes[node].values())
    cluster.elect("n1")
    cluster.cut_off = {node}
    cluster.elapse(2.1)
    assert set(statuses(health).values()) == {NOT_SERVING}


def test_a_shard_without_quorum_does_not_take_the_node_with_it() -> None:
    cluster, health = Cluster(), Health([KV])
    cluster.elect("n1")
    alone = Cluster().nodes["n1"][1]  # has elected nobody
    health.serve([cluster.nodes["n1"][0], alone])
    assert statuses(health) == {NODE: SERVING, KV: SERVING, "shard-0": SERVING, "shard-1": NOT_SERVING}


def test_a_node_that_retires_serves_nothing() -> None:
    cluster, health = Cluster(), Health([KV])
    cluster.elect("n1")
    health.serve(cluster.nodes["n1"].values())
    health.retire()
    assert set(statuses(health).values()) == {NOT_SERVING}


@asynccontextmanager
async def client(health: Health) -> AsyncIterator[HealthStub]:
    async with (
        serving(lambda server: add_HealthServicer_to_server(health, server)) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield HealthStub(channel)


def test_check_answers_the_status_and_names_what_there_is_where_it_knows_no_such_name() -> None:
    async def main() -> None:
        health = Health([KV])
        health.serve(Cluster().nodes["n1"].values())
        async with client(health) as stub:
            assert await stub.Check(HealthCheckRequest(service=KV)) == HealthCheckResponse(status=NOT_SERVING)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Check(HealthCheckRequest(service="shard-7" + "x" * 100_000))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
            details = caught.value.details()
            assert details is not None
            assert details.endswith("known: ostraka.v1.KV, shard-0, shard-1")
            assert len(details) < 200

    asyncio.run(main())


def test_watch_tells_the_status_now_and_each_change() -> None:
    async def main() -> None:
        cluster, health = Cluster(), Health([KV])
        health.serve(cluster.nodes["n1"].values())
        async with client(health) as stub:
            watch = stub.Watch(HealthCheckRequest(service="shard-1"))
            assert (await watch.read()).status == NOT_SERVING
            cluster.elect("n1")
            assert (await watch.read()).status == SERVING
            cluster.elect("n2")  # another leader, but no other status
            health.retire()
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()

    asyncio.run(main())


def test_a_shard_that_is_not_known_yet_can_be_watched() -> None:
    async def main() -> None:
        cluster, health = Cluster(), Health([KV])
        async with client(health) as stub:
            watch = stub.Watch(HealthCheckRequest(service="shard-1"))
            assert (await watch.read()).status == UNKNOWN
            health.serve(cluster.nodes["n1"].values())
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()

    asyncio.run(main())


def test_the_end_of_one_watch_leaves_the_others() -> None:
    """With grpcio-health-checking's own servicer the second one would wait for ever."""

    async def main() -> None:
        cluster, health = Cluster(), Health([KV])
        health.serve(cluster.nodes["n1"].values())
        async with client(health) as stub:
            first, second = (stub.Watch(HealthCheckRequest(service=KV)) for _ in range(2))
            assert (await first.read()).status == (await second.read()).status == NOT_SERVING
            first.cancel()
            cluster.elect("n1")
            assert (await second.read()).status == SERVING
            second.cancel()

    asyncio.run(main())
