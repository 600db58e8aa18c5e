"""A node of the simulated cluster: its machine, and one process after another on it.

The process is put together as `ostraka_server.node` does, from the same parts, but for gRPC, sockets and the formation,
which is over: every member knows all identities.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

from google.protobuf.message_factory import GetMessageClass

from ostraka.v1 import cluster_pb2, kv_pb2
from ostraka_server.config import Address, Config, Limits, Log, Member, Paxos, Store
from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.paxos.formation import Announcement, Identity, Stage
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.handover import hand_over, within
from ostraka_server.shard.layout import FIRST_GROUP, SYSTEM_GROUP
from ostraka_server.shard.publishing import publish_first_layout
from ostraka_server.shard.router import Router
from tests.simulation.clock import Clock
from tests.simulation.stack.process import Process
from tests.simulation.stack.storage import Disk, ProcessStorage
from tests.simulation.stack.wires import Aborted, ClientWire, ExchangeContext, Host, ReplicaWire, UnaryContext, Wires
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

KiB = 1024
STOP_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class World:
    """What all nodes of a run share."""

    timeline: Timeline
    trace: Trace
    wires: Wires
    members: tuple[Identity, ...]
    configs: Mapping[str, Config]


def identities(size: int, random: Random) -> tuple[Identity, ...]:
    """Members n1, n2, ... with replica ids as their directories would have minted them."""
    return tuple(
        Identity(f"n{i}", tuple((group, 1 + random.getrandbits(63)) for group in SHARDS)) for i in range(1, size + 1)
    )


def configs(members: Sequence[Identity], store: Store, limits: Limits, log: Log) -> dict[str, Config]:
    """Of all nodes."""
    listed = tuple(Member(m.node, Address(m.node, 2), Address(m.node, 1)) for m in members)
    return {
        m.node: Config(
            cluster="simulated",
            node=m.node,
            data_dir=Path("/nowhere"),
            members=listed,
            listen_client=Address(m.node, 1),
            listen_replica=Address(m.node, 2),
            listen_http=Address(m.node, 3),
            paxos=Paxos(window_bytes=256 * KiB),
            log=log,
            store=store,
            limits=limits,
        )
        for m in members
    }


class Node(Host):
    """A machine. `life` while a process runs on it."""

    def __init__(self, number: int, world: World, random: Random) -> None:
        super().__init__(number)
        self.identity = world.members[number - 1]
        self.name = self.identity.node
        self.config = world.configs[self.name]
        self.address = str(self.config.listen_client)
        self.disk = Disk(random)
        self.clock = Clock(world.timeline)
        self.life: Life | None = None
        self.ended_by: BaseException | None = None
        """What the last process died of, unless it was stopped or killed."""
        self._world = world
        self._random = random
        self._format()

    @property
    def up(self) -> Life:
        """The running process's."""
        assert self.life is not None, f"{self.name} is down"
        return self.life

    def start(self) -> None:
        """Start a process from what the disk holds."""
        assert self.life is None
        self._world.trace.note(f"{self.name} starts")
        process = self.process = Process(self._world.timeline, self.clock)
        self.life = process.call(Life, self, self._world, process, Random(self._random.random()))

    def kill(self, *, power_loss: bool = False) -> None:
        """End the process at once; with a power loss, what was not synced is in doubt."""
        self._world.trace.note(f"{self.name} is killed{' by a power loss' * power_loss}")
        self._end()
        if power_loss:
            self.disk.lose_power()

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        await self.up.stop()
        self._end()

    def died(self, error: BaseException) -> None:
        """The process ended by itself."""
        self._world.trace.note(f"{self.name} dies of {error!r}")
        self.ended_by = error
        self._end()

    def _end(self) -> None:
        life, self.life, process, self.process = self.up, None, self.process, None
        assert process is not None
        process.kill()
        self._world.wires.break_connections(process)
        for store in life.hosting.stores.values():
            store.close()

    def _format(self) -> None:
        """As the formation leaves the directory: an empty log, and identities that are known to all."""
        process = Process(self._world.timeline, self.clock)
        storage = ProcessStorage(self.disk, process, self._random)
        open_log(self.config, cluster_id(self._world.members), must_exist=False, storage=storage).close()

    # What arrives

    def take_replica_messages(self, node: int, messages: Sequence[bytes]) -> None:
        self.up.hosting.driver.receive(f"n{node}", messages)

    def start_exchange(self, context: ExchangeContext) -> asyncio.Task[None]:
        exchange = self.up.exchange.exchange(None, cast(Any, context))
        return asyncio.create_task(exchange)

    def start_unary(self, method: str, request: bytes, context: UnaryContext) -> asyncio.Task[None]:
        return asyncio.create_task(self.up.unary(method, request, context))


class Life:
    """One process: the parts of a serving node."""

    def __init__(self, node: Node, world: World, process: Process, random: Random) -> None:
        self._node = node
        self._process = process
        clock, config = process.clock, node.config
        addresses = {name: str(each.listen_client) for name, each in world.configs.items()}
        wire = ClientWire(node.number, process, world.wires)
        replicas = ReplicaWire(node.number, world.wires, world.wires.hosts)
        announcement = Announcement(node.identity, Stage.STARTED, world.members)
        self.forwarder = Forwarder(wire, addresses, clock)
        self.gateway = Gateway(node=node.name, limits=config.limits, forwarder=self.forwarder, clock=clock)
        self.hosting = Hosting(
            config, announcement, clock, random, replicas, ProcessStorage(node.disk, process, random)
        )
        self.exchange = ExchangeService(self.gateway, config.limits, clock, random)
        self._services: dict[str, Any] = {
            "Cluster": ClusterService(View(node, world, self.hosting.groups), self.gateway, wire, clock),
            "KV": KvService(self.gateway),
        }
        self.gateway.open(Router(self.hosting.groups), self.hosting.driver.wake)
        publish_first_layout(self.hosting.groups[SYSTEM_GROUP], self.hosting.driver.wake)
        self._running = asyncio.create_task(self.hosting.run())
        self._running.add_done_callback(self._ended)

    @property
    def group(self) -> Group:
        """The data shard's."""
        return self.hosting.groups[FIRST_GROUP]

    async def stop(self) -> None:
        """Refuse new work, answer what is under way, hand over, put everything away."""
        await self._process.start(self._stop())

    async def _stop(self) -> None:
        clock, hosting = self._process.clock, self.hosting
        deadline = clock.now() + STOP_GRACE_S
        await within(clock, deadline, self.gateway.close())
        for group in hosting.groups.values():
            await within(clock, deadline, hand_over(group, clock, hosting.driver.wake))
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.forwarder.close()
        await hosting.close()

    async def unary(self, method: str, request: bytes, context: UnaryContext) -> None:
        """Carry out a unary call of `ostraka.v1`."""
        _, service, name = method.replace("/ostraka.v1.", "/").split("/")
        file = cluster_pb2 if service == "Cluster" else kv_pb2
        described = file.DESCRIPTOR.services_by_name[service].methods_by_name[name].input_type
        try:
            answer = await getattr(self._services[service], name)(
                GetMessageClass(described).FromString(request), context
            )
        except Aborted:
            return
        context.finish(answer.SerializeToString())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and self._process.alive:
            error = task.exception()
            assert error is not None, "a driver ends by an exception only"
            self._node.died(error)


@dataclass(frozen=True, slots=True)
class MemberView:
    """See `rpc.cluster_service.Member`."""

    node: str
    client_address: str
    replica_address: str
    replicas: Mapping[int, int]
    http_address: str = ""
    reachable: bool = True


class View:
    """See `rpc.cluster_service.ClusterView`."""

    version = "simulated"

    def __init__(self, node: Node, world: World, groups: Mapping[int, Group]) -> None:
        self.name = node.name
        self.cluster = cluster_id(world.members)
        self.groups = groups
        self.members = [
            MemberView(
                member.node,
                str(world.configs[member.node].listen_client),
                str(world.configs[member.node].listen_replica),
                dict(member.replicas),
            )
            for member in world.members
        ]
        self._clock = node.clock

    @property
    def uptime_s(self) -> float:
        return self._clock.now()

    @property
    def ready(self) -> bool:
        return all(group.leader_node is not None for group in self.groups.values())
