"""The Cluster service: what the asked node knows of itself, the members, the shards; and who is to lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf.message import DecodeError

from ostraka._transport import Transport, TransportError
from ostraka.clock import Clock
from ostraka.errors import Status, to_wire
from ostraka.v1 import cluster_pb2 as pb
from ostraka.v1.cluster_pb2_grpc import ClusterServicer
from ostraka.v1.common_pb2 import ResponseHeader
from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.rpc.errors import refuse
from ostraka_server.shard import failures
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.handover import transfer
from ostraka_server.shard.layout import Shard
from ostraka_server.shard.router import Router

TRANSFER_TIMEOUT_S = 5.0
TRANSFER_METHOD = "/ostraka.v1.Cluster/TransferLeader"


class Member(Protocol):
    """A node of the cluster, by what it advertises."""

    @property
    def node(self) -> str: ...
    @property
    def client_address(self) -> str: ...
    @property
    def replica_address(self) -> str: ...
    @property
    def http_address(self) -> str: ...
    @property
    def replicas(self) -> Mapping[int, int]: ...
    @property
    def reachable(self) -> bool: ...


class ClusterView(Protocol):
    """What the node tells about itself and the others."""

    @property
    def name(self) -> str: ...
    @property
    def cluster(self) -> int: ...
    @property
    def version(self) -> str: ...
    @property
    def uptime_s(self) -> float: ...
    @property
    def members(self) -> Iterable[Member]: ...
    @property
    def groups(self) -> Mapping[int, Group]: ...
    @property
    def ready(self) -> bool: ...


class ClusterService(ClusterServicer):
    """Answered by any node, from what it knows."""

    def __init__(self, view: ClusterView, gateway: Gateway, transport: Transport, clock: Clock) -> None:
        self._view = view
        self._gateway = gateway
        self._transport = transport
        self._clock = clock

    async def Status(self, request: pb.StatusRequest, context: Any) -> pb.StatusResponse:
        view = self._view
        return pb.StatusResponse(
            header=self._header(),
            version=view.version,
            uptime_ms=int(view.uptime_s * 1000),
            ready=view.ready,
            replicas=[_status(group) for group in view.groups.values()],
        )

    async def Members(self, request: pb.MembersRequest, context: Any) -> pb.MembersResponse:
        members = [
            pb.Member(
                node=member.node,
                client_address=member.client_address,
                replica_address=member.replica_address,
                http_address=member.http_address,
                replicas=[pb.MemberReplica(group=group, replica=id_) for group, id_ in member.replicas.items()],
                reachable=member.reachable,
            )
            for member in self._view.members
        ]
        return pb.MembersResponse(header=self._header(), members=members)

    async def Shards(self, request: pb.ShardsRequest, context: Any) -> pb.ShardsResponse:
        router = await self._router(context)
        layout = router.layout
        return pb.ShardsResponse(
            header=self._header(),
            layout=layout.number,
            shards=[self._shard(shard, router.groups[shard.group]) for shard in layout.shards],
        )

    async def TransferLeader(self, request: pb.TransferLeaderRequest, context: Any) -> pb.TransferLeaderResponse:
        router = await self._router(context)
        group = router.group_of_shard(request.shard)
        if group is None:
            await self._refuse(context, failures.no_such_shard(request.shard))
        target = next((id_ for id_, node in group.members.items() if node == request.node), None)
        if target is None:
            await self._refuse(context, failures.no_such_node(request.node))
        timeout = min(context.time_remaining() or TRANSFER_TIMEOUT_S, TRANSFER_TIMEOUT_S)
        if group.replica.leader != target and not group.leads:
            return await self._pass_on(group, request, timeout, context)
        why = await transfer(group, target, self._clock, self._clock.now() + timeout, self._gateway.wake)
        if why is not None:
            await self._refuse(context, failures.transfer_failed(request.shard, request.node, why))
        return pb.TransferLeaderResponse(header=self._header())

    async def _pass_on(
        self,
        group: Group,
        request: pb.TransferLeaderRequest,
        timeout_s: float,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> pb.TransferLeaderResponse:
        leader = group.leader_node
        if leader is None:
            await self._refuse(context, failures.no_leader(group.shard))
        address = next(member.client_address for member in self._view.members if member.node == leader)
        if request.forwarded:
            await self._refuse(context, failures.not_leader(group.shard, leader, address))
        onward = pb.TransferLeaderRequest(shard=request.shard, node=request.node, forwarded=True)
        try:
            data = await self._transport.unary(address, TRANSFER_METHOD, onward.SerializeToString(), timeout_s)
            return pb.TransferLeaderResponse.FromString(data)
        except TransportError as failed:
            await refuse(context, failed.error)
        except DecodeError:
            await refuse(context, to_wire(Status.INTERNAL, f"the answer of {leader} is not a TransferLeaderResponse"))

    async def _router(self, context: grpc.aio.ServicerContext[Any, Any]) -> Router:
        """Where shards are; refused while the cluster is being formed."""
        router = self._gateway.router
        if router is None:
            await self._refuse(context, self._gateway.refusal or failures.not_ready("the first epoch"))
        return router

    def _header(self) -> ResponseHeader:
        return ResponseHeader(cluster=self._view.cluster, node=self._view.name)

    def _shard(self, shard: Shard, group: Group) -> pb.Shard:
        leader = group.leader_node
        addresses = {member.node: member.client_address for member in self._view.members}
        return pb.Shard(
            shard=shard.shard,
            group=shard.group,
            start=shard.start,
            end=shard.end,
            leader_node=leader or "",
            leader_address=addresses.get(leader, "") if leader else "",
            replica_nodes=sorted(group.members.values()),
        )

    async def _refuse(self, context: grpc.aio.ServicerContext[Any, Any], reply: Reply) -> NoReturn:
        await refuse(context, reply.error)


def _status(group: Group) -> pb.ReplicaStatus:
    replica, machine = group.replica, group.machine
    return pb.ReplicaStatus(
        group=group.id,
        shard=group.shard,
        replica=replica.id,
        role=replica.role,
        leader_node=group.leader_node or "",
        epoch=replica.epoch,
        ballot_round=replica.ballot.round,
        decided_through=replica.decided_through,
        applied_slot=machine.applied_slot,
        checkpoint_slot=machine.applied_slot - machine.unflushed_entries,
        revision=machine.revision,
        state_digest=machine.digest,
    )
