"""The groups of a cluster in memory, without driver, log and network: turned by hand, on a clock set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ostraka._transport import Stream, TransportError
from ostraka.clock import Timer
from ostraka.v1.exchange_pb2 import Error
from ostraka_server.config import Limits
from ostraka_server.machine import EMPTY_STATE, Machine
from ostraka_server.paxos import NO_BALLOT, Durable, PaxosConfig, Replica
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.router import Router
from tests.machine.bases import DictBase
from tests.shard.script import StoppedWall

CLUSTER = 0xC1
SHARDS = {0: 0, 1: 1}
"""Groups and their shards."""

CONFIG = PaxosConfig(heartbeat_s=0.1, election_timeout_s=1.0)


class _Timer:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback = callback
        self.pending = True

    def cancel(self) -> None:
        self.pending = False


class ManualClock:
    """An `ostraka.clock.Clock` that stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = 100.0
        self._timers: list[_Timer] = []
        self.armed = asyncio.Event()
        """Set whenever somebody begins to wait."""

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        timer = _Timer(when, callback)
        self._timers.append(timer)
        self.armed.set()
        return timer

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")

    def advance(self, seconds: float) -> None:
        """Let time pass, and call what is due."""
        self._now += seconds
        due = [timer for timer in self._timers if timer.pending and timer.when <= self._now]
        self._timers = [timer for timer in self._timers if timer.when > self._now]
        for timer in due:
            timer.callback()


class Wire:
    """An `ostraka._transport.Transport`: unary calls are written down and answered by `answer`, streams refused."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes]] = []
        """Address, method, request."""
        self.answer: bytes | Error = b""

    async def open(self, address: str) -> Stream:
        raise TransportError(Error(code=14, message="no streams here"))

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        self.calls.append((address, method, request))
        if isinstance(self.answer, Error):
            raise TransportError(self.answer)
        return self.answer

    async def close(self) -> None:
        pass


class Cluster:
    """Nodes n1, n2, ...; each has a replica of every group. What a node in `cut_off` sends or is sent is lost.

    `unflushed_max`, by node: entries that are applied at most, since nothing is flushed here.
    """

    def __init__(self, nodes: int = 3, unflushed_max: Mapping[str, int] | None = None) -> None:
        self._unflushed_max = unflushed_max or {}
        self.clock = ManualClock()
        self.cut_off: set[str] = set()
        self.nodes = {f"n{number}": self._groups(number, nodes) for number in range(1, nodes + 1)}

    def _groups(self, node: int, nodes: int) -> dict[int, Group]:
        return {group: self._group(group, node, nodes) for group in SHARDS}

    def _group(self, group: int, node: int, nodes: int) -> Group:
        members = {10 * group + number: f"n{number}" for number in range(1, nodes + 1)}
        replica = Replica(
            replica=10 * group + node,
            epoch=1,
            members=members,
            config=CONFIG,
            random=Random(node),
            durable=Durable(NO_BALLOT, 0, ()),
            now=self.clock.now(),
        )
        return Group(
            group=group,
            shard=SHARDS[group],
            replica=replica,
            members=members,
            machine=Machine(DictBase(), EMPTY_STATE),
            answers=Answers(cluster=CLUSTER, shard=SHARDS[group], node=f"n{node}", range_bytes_max=1 << 20),
            now=self.clock.now,
            first_nonce=node << 32,
            wall=StoppedWall(),
            bite_rows=500,
            unflushed_max=self._unflushed_max.get(f"n{node}", 1000),
        )

    def gateway(self, node: str) -> Gateway:
        """A node's gateway, not open yet."""
        addresses = {name: f"{name}:7401" for name in self.nodes}
        return Gateway(node=node, limits=Limits(), forwarder=Forwarder(Wire(), addresses, self.clock), clock=self.clock)

    def open_gateway(self, node: str) -> Gateway:
        """A node's gateway; what it is given is done at once, as far as it can be."""
        gateway = self.gateway(node)
        gateway.open(Router(self.nodes[node]), self.settle)
        return gateway

    def settle(self) -> None:
        """Turn every group, and deliver what it sends, until none has anything to do."""
        while any(self.turn(node, group) for node, groups in self.nodes.items() for group in groups.values()):
            pass

    def turn(self, node: str, group: Group) -> bool:
        """Turn a node's group once; whether it had anything to do."""
        ready = group.turn(self.clock.now())
        for send in (*ready.at_once, *ready.after_sync):
            to = group.members[send.to]
            if to == node or not {to, node} & self.cut_off:
                self.nodes[to][group.id].receive(group.replica.id, send.message)
        group.finish(ready)
        return group.read_on() or bool(ready)

    def elapse(self, seconds: float) -> None:
        """Let time pass in steps of a heartbeat."""
        for _ in range(round(seconds / CONFIG.heartbeat_s)):
            self.clock.advance(CONFIG.heartbeat_s)
            self.settle()

    def elect(self, node: str) -> None:
        """Have `node` lead every group."""
        for group in self.nodes[node].values():
            while group.leader_node is None:
                self.elapse(CONFIG.heartbeat_s)
            leader = self.nodes[group.leader_node][group.id]
            if leader is not group:
                assert leader.replica.transfer(group.replica.id, self.clock.now())
            self.settle()
            self.elapse(2 * CONFIG.heartbeat_s)
            assert group.replica.serving


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """A member as a `View` shows it."""

    node: str
    replicas: Mapping[int, int]
    reachable: bool

    @property
    def client_address(self) -> str:
        return f"{self.node}:7401"

    @property
    def replica_address(self) -> str:
        return f"{self.node}:7501"

    @property
    def http_address(self) -> str:
        return f"{self.node}:9401"


class View:
    """What a node of the cluster knows of it and of itself (`rpc.cluster_service.ClusterView`)."""

    cluster = CLUSTER
    version = "1.2.3"
    uptime_s = 4.5
    ready = True

    def __init__(self, cluster: Cluster, node: str) -> None:
        self._cluster = cluster
        self.name = node

    @property
    def groups(self) -> Mapping[int, Group]:
        return self._cluster.nodes[self.name]

    @property
    def members(self) -> list[MemberSeen]:
        return [
            MemberSeen(
                node,
                {number: group.replica.id for number, group in groups.items()},
                reachable=not {node, self.name} & self._cluster.cut_off or node == self.name,
            )
            for node, groups in self._cluster.nodes.items()
        ]
