"""The Cluster service: what a node tells, and transfers of leadership, to be carried out, passed on or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import pytest

from ostraka.v1 import cluster_pb2 as pb
from ostraka.v1.cluster_pb2_grpc import ClusterStub, add_ClusterServicer_to_server
from ostraka.v1.common_pb2 import ErrorDetail, Reason
from ostraka.v1.exchange_pb2 import Error
from ostraka_server.rpc.cluster_service import TRANSFER_METHOD, TRANSFER_TIMEOUT_S, ClusterService
from ostraka_server.rpc.errors import DETAIL_KEY
from ostraka_server.shard.gateway import Gateway
from tests.rpc.cluster import CLUSTER, Cluster, View, Wire
from tests.rpc.serving import serving

if TYPE_CHECKING:
    from ostraka.v1.cluster_pb2_grpc import ClusterAsyncStub


class Node:
    """A node of the cluster, with what its service uses."""

    def __init__(self, cluster: Cluster, name: str, gateway: Gateway | None = None) -> None:
        self.wire = Wire()
        self.view = View(cluster, name)
        gateway = gateway or cluster.open_gateway(name)
        self.service = ClusterService(self.view, gateway, self.wire, cluster.clock)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ClusterAsyncStub]:
        async with (
            serving(lambda server: add_ClusterServicer_to_server(self.service, server)) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield ClusterStub(channel)


def elected(leader: str = "n1") -> Cluster:
    cluster = Cluster()
    cluster.elect(leader)
    return cluster


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, ErrorDetail]:
    """Code, message and detail of the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    detail = error.trailing_metadata()[DETAIL_KEY]
    assert isinstance(detail, bytes)
    return error.code(), error.details() or "", ErrorDetail.FromString(detail)


def test_status_tells_of_the_node_and_its_replicas() -> None:
    async def main() -> None:
        async with Node(elected("n1"), "n2").client() as stub:
            status = await stub.Status(pb.StatusRequest())
        assert (status.header.cluster, status.header.node) == (CLUSTER, "n2")
        assert (status.version, status.uptime_ms, status.ready) == ("1.2.3", 4500, True)
        assert [(replica.group, replica.shard, replica.replica) for replica in status.replicas] == [
            (0, 0, 2),
            (1, 1, 12),
        ]
        assert {(replica.role, replica.leader_node) for replica in status.replicas} == {("follower", "n1")}
        assert all(replica.decided_through == replica.applied_slot >= 1 for replica in status.replicas)

    asyncio.run(main())


def test_members_tells_addresses_replicas_and_who_can_be_reached() -> None:
    async def main() -> None:
        cluster = elected()
        cluster.cut_off = {"n3"}
        async with Node(cluster, "n1").client() as stub:
            members = (await stub.Members(pb.MembersRequest())).members
        assert [(member.node, member.reachable) for member in members] == [("n1", True), ("n2", True), ("n3", False)]
        assert members[2].client_address == "n3:7401"
        assert [(replica.group, replica.replica) for replica in members[2].replicas] == [(0, 3), (1, 13)]

    asyncio.run(main())


def test_shards_tells_the_layout_and_who_leads() -> None:
    async def main() -> None:
        async with Node(elected("n3"), "n1").client() as stub:
            response = await stub.Shards(pb.ShardsRequest())
        (shard,) = response.shards
        assert (shard.shard, shard.group, shard.start, shard.end) == (1, 1, b"", b"")
        assert (shard.leader_node, shard.leader_address) == ("n3", "n3:7401")
        assert shard.replica_nodes == ["n1", "n2", "n3"]

    asyncio.run(main())


def test_before_the_cluster_is_formed_there_are_no_shards() -> None:
    async def main() -> None:
        cluster = Cluster()
        async with Node(cluster, "n1", cluster.gateway("n1")).client() as stub:
            code, _, detail = await refusal(stub.Shards(pb.ShardsRequest()))
        assert (code, detail.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.NOT_READY)

    asyncio.run(main())


@pytest.mark.parametrize("shard", [0, 1])
def test_the_leader_hands_over_and_answers_once_the_other_leads(shard: int) -> None:
    async def main() -> None:
        cluster = elected("n1")
        node = Node(cluster, "n1")
        async with node.client() as stub:
            await stub.TransferLeader(pb.TransferLeaderRequest(shard=shard, node="n2"))
        assert cluster.nodes["n2"][shard].leads
        assert cluster.nodes["n1"][shard].leader_node == "n2"
        assert cluster.nodes["n1"][1 - shard].leads
        assert node.wire.calls == []

    asyncio.run(main())


def test_a_node_that_leads_already_needs_no_transfer_whomever_one_asks() -> None:
    async def main() -> None:
        cluster = elected("n1")
        for name in cluster.nodes:
            node = Node(cluster, name)
            async with node.client() as stub:
                await stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n1"))
            assert node.wire.calls == []

    asyncio.run(main())


def test_who_does_not_lead_passes_the_request_on_to_the_leader_once() -> None:
    async def main() -> None:
        node = Node(elected("n1"), "n2")
        async with node.client() as stub:
            await stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n3"))
            ((address, method, request),) = node.wire.calls
            assert (address, method) == ("n1:7401", TRANSFER_METHOD)
            passed_on = pb.TransferLeaderRequest.FromString(request)
            assert passed_on == pb.TransferLeaderRequest(shard=1, node="n3", forwarded=True)
            code, message, detail = await refusal(stub.TransferLeader(passed_on))
        assert (code, detail.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.NOT_LEADER)
        assert (detail.leader_node, detail.leader_address) == ("n1", "n1:7401")
        assert "led by n1 at n1:7401" in message
        assert len(node.wire.calls) == 1

    asyncio.run(main())


def test_what_the_leader_refuses_is_refused_to_the_caller_in_its_words() -> None:
    async def main() -> None:
        node = Node(elected("n1"), "n2")
        node.wire.answer = Error(code=9, message="it would not", detail=ErrorDetail(surely_not_done=True))
        async with node.client() as stub:
            answer = await refusal(stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n3")))
        assert answer == (grpc.StatusCode.FAILED_PRECONDITION, "it would not", ErrorDetail(surely_not_done=True))

    asyncio.run(main())


def test_an_answer_of_the_leader_that_is_none_is_a_fault_and_says_whose() -> None:
    async def main() -> None:
        node = Node(elected("n1"), "n2")
        node.wire.answer = b"\xff\xff"
        async with node.client() as stub:
            code, message, _ = await refusal(stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n3")))
        assert code is grpc.StatusCode.INTERNAL
        assert message == "the answer of n1 is not a TransferLeaderResponse"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("shard", "node", "code", "reason", "named"),
    [
        (7, "n1", grpc.StatusCode.NOT_FOUND, Reason.NO_SUCH_SHARD, "no shard 7"),
        (1, "n9", grpc.StatusCode.NOT_FOUND, Reason.NO_SUCH_NODE, "'n9'"),
    ],
)
def test_an_unknown_shard_or_node_is_named(
    shard: int, node: str, code: grpc.StatusCode, reason: Reason.ValueType, named: str
) -> None:
    async def main() -> None:
        async with Node(elected(), "n1").client() as stub:
            refused = await refusal(stub.TransferLeader(pb.TransferLeaderRequest(shard=shard, node=node)))
        assert (refused[0], refused[2].reason) == (code, reason)
        assert named in refused[1]

    asyncio.run(main())


def test_without_a_leader_nobody_can_hand_over() -> None:
    async def main() -> None:
        async with Node(Cluster(), "n1").client() as stub:
            code, _, detail = await refusal(stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n2")))
        assert (code, detail.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.NO_LEADER)

    asyncio.run(main())


def test_a_transfer_to_who_cannot_be_reached_fails_in_time_and_the_leader_stays() -> None:
    async def main() -> None:
        cluster = elected("n1")
        cluster.cut_off = {"n2"}
        async with Node(cluster, "n1").client() as stub:
            cluster.clock.armed.clear()
            call = asyncio.ensure_future(refusal(stub.TransferLeader(pb.TransferLeaderRequest(shard=1, node="n2"))))
            await cluster.clock.armed.wait()
            cluster.elapse(TRANSFER_TIMEOUT_S + 1)
            code, message, _ = await call
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert "leadership of shard 1 did not go to n2: it did not take over in time" in message
        assert cluster.nodes["n1"][1].replica.has_room

    asyncio.run(main())
