"""A node: the composition root. What listens, what is formed, what serves, and in which order it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from random import Random, SystemRandom

import grpc

from ostraka._grpc import GrpcTransport
from ostraka.clock import BootClock, Clock
from ostraka_server.config import Config
from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.logs import fields
from ostraka_server.metrics import Metrics
from ostraka_server.paxos.formation import Announcement, Formation, FormationError, Identity, Stage, Stranger
from ostraka_server.rpc import server as rpc_server
from ostraka_server.rpc.channelz import channelz_server
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.health import Health
from ostraka_server.rpc.http import HttpServer
from ostraka_server.rpc.interceptor import CountingInterceptor
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.rpc.pages import pages
from ostraka_server.rpc.peers import Peers
from ostraka_server.rpc.services import SERVICES, add_services
from ostraka_server.shard import sightings
from ostraka_server.shard.directory import DirectoryRefused, NodeDirectory, cluster_id
from ostraka_server.shard.disk_reserve import DiskReserve
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.handover import hand_over, within
from ostraka_server.shard.layout import SYSTEM_GROUP
from ostraka_server.shard.publishing import publish_first_layout
from ostraka_server.shard.router import Router
from ostraka_server.shard.seams import ThreadRunner
from ostraka_server.view import NodeView
from ostraka_server.wire import replica_pb2 as wire

WIRE_FORMAT = 1

STOP_GRACE_S = 5.0
"""How long a stopping node waits for calls under way, and for another to take over what it leads."""

SIGHTINGS_SAVED_S = 60.0
"""How far the others' logs were seen is written down this often."""

log = logging.getLogger("ostraka.node")


class Node:
    """Runs once: `run` until `stop` or until the node must not go on."""

    def __init__(self, config: Config, *, clock: Clock | None = None, random: Random | None = None) -> None:
        self.config = config
        self._clock = clock or BootClock()
        self._random = random or SystemRandom()
        self._stop = asyncio.Event()
        self._formed = asyncio.Event()
        self._failure: BaseException | None = None
        self._hosting: Hosting | None = None
        self._directory = NodeDirectory.open(
            config.data_dir,
            cluster=config.cluster,
            node=config.node,
            groups=tuple(SHARDS),
            random=self._random,
        )
        self._formation = Formation(self._directory.announcement, frozenset(member.node for member in config.members))
        others = {m.node: m for m in config.members if m.node != config.node}
        self._known: dict[str, wire.Hello] = {}
        self._sightings = sightings.Sightings(sightings.load(config.data_dir))
        self._peers = Peers(self, {node: member.replica_address for node, member in others.items()}, self._clock)
        self._transport = GrpcTransport()
        addresses = {member.node: str(member.client_address) for member in config.members}
        self._forwarder = Forwarder(self._transport, addresses, self._clock)
        self.gateway = Gateway(node=config.node, limits=config.limits, forwarder=self._forwarder, clock=self._clock)
        self._view = NodeView(config, self._peers, self._known, self._clock)
        self._health = Health(SERVICES)
        self._rpcs = CountingInterceptor(self._clock)
        self._metrics = Metrics(node=self._view, gateway=self.gateway, peers=self._peers, methods=self._rpcs.methods)
        self._http = HttpServer(pages(self.gateway, self._metrics.exposition), self._clock)

    def stop(self) -> None:
        """Stop gracefully; `run` returns when that is done."""
        self._stop.set()

    async def run(self) -> None:
        """Serve. Raises what made it stop, unless that was `stop`."""
        servers = await self._listen()
        try:
            self._peers.connect()
            self._form()
            await self._until_stopped(self._formed.wait())
            if self._formed.is_set() and self._failure is None:
                await self._serve()
        finally:
            for server in servers:
                await server.stop(grace=1.0)
            await self._forwarder.close()
            await self._transport.close()
            await self._peers.close()
            sightings.save(self.config.data_dir, self._sightings.seen)
            self._http.close()
            self._directory.close()
        if self._failure is not None:
            raise self._failure

    # What peers tell (see rpc.peers.Handler)

    def hello(self) -> wire.Hello:
        """What to tell a peer first."""
        announcement, config = self._directory.announcement, self.config
        return wire.Hello(
            format=WIRE_FORMAT,
            cluster_name=config.cluster,
            self=_to_wire(announcement.identity),
            stage=wire.Stage.Value(announcement.stage.name),
            members=[_to_wire(member) for member in announcement.members],
            client_address=str(config.advertise_client),
            replica_address=str(config.advertise_replica),
            http_address=str(config.advertise_http),
            seen=[wire.Seen(node=node, sequence=sequence) for node, sequence in self._sightings.seen.items()],
        )

    def on_hello(self, hello: wire.Hello) -> str:
        """Take a peer's Hello. Raises Stranger; where it is this node that must not go on, the node stops."""
        if hello.format != WIRE_FORMAT:
            raise Stranger(f"it speaks wire format {hello.format}, this version speaks {WIRE_FORMAT}")
        if hello.cluster_name != self.config.cluster:
            raise Stranger(f"it belongs to cluster {hello.cluster_name!r}, this node to {self.config.cluster!r}")
        node = hello.self.node
        try:
            changed = self._formation.hear(_announcement(hello))
        except FormationError as error:
            self._fail(error)
            raise Stranger("this node must not go on") from error
        self._known[node] = hello
        for each in hello.seen:
            if each.node == self.config.node:
                self._sightings.told(node, each.sequence)
        self._check_own_log()
        if changed or not self._formed.is_set():
            self._form()
        return node

    def sequence(self) -> int:
        """How far this node's log is durable; 0 until it is open, when no messages are sent either."""
        return 0 if self._hosting is None else self._hosting.log.sequence

    def on_messages(self, node: str, messages: Sequence[bytes], sequence: int) -> None:
        """Replica messages; dropped until this node serves. Raises Stranger for a node that has forgotten something."""
        try:
            self._sightings.saw(node, sequence)
        except Stranger:
            self._peers.say_hello()  # which tells it what it was seen at
            raise
        if self._hosting is not None:
            self._hosting.driver.receive(node, messages)

    def _check_own_log(self) -> None:
        if self._hosting is not None:
            try:
                self._sightings.check_own(self._hosting.log.sequence, self.config.data_dir)
            except DirectoryRefused as refusal:
                self._fail(refusal)
                raise Stranger("this node must not go on") from refusal

    # Forming

    def _form(self) -> None:
        """Make the formation's next step durable, then tell it; once started, serve."""
        step = self._view.announcement = self._formation.announcement
        if step != self._directory.announcement:
            if step.stage is Stage.STARTED:
                open_log(self.config, cluster_id(step.members), must_exist=False).close()
            self._directory.record(step)
            log.info("formation", extra=fields(stage=step.stage.name.lower()))
            self._peers.say_hello()
        if self._formation.started:
            self._formed.set()
        else:
            self.gateway.waits_for(self._formation.missing)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stop.set()

    # Serving

    async def _listen(self) -> list[grpc.aio.Server]:
        """Take every port, then serve: the gRPC servers that are to be stopped."""
        config = self.config
        server = rpc_server.new_server(config.limits, (self._rpcs,))
        add_services(
            server,
            kv=KvService(self.gateway),
            exchange=ExchangeService(self.gateway, config.limits, self._clock, self._random),
            cluster=ClusterService(self._view, self.gateway, self._transport, self._clock),
            health=self._health,
            reflection=config.reflection,
        )
        client = rpc_server.listen(server, config.listen_client)
        try:
            replica = await self._peers.listen(config.listen_replica)
        except OSError as error:
            raise rpc_server.PortTaken(
                f"cannot listen for replicas on {config.listen_replica} ({error.strerror}): stop what uses it, or set "
                f"listen_replica"
            ) from error
        http = await self._http.listen(config.listen_http)
        servers, channelz = [server], None
        if config.listen_channelz is not None:
            beside, channelz = channelz_server(config.limits, config.listen_channelz, reflection=config.reflection)
            servers.append(beside)
        for each in servers:
            await each.start()
        addresses = {"client": client, "replica": replica, "http": http, "channelz": channelz}
        log.info("listening", extra=fields(**{port: str(taken) for port, taken in addresses.items() if taken}))
        return servers

    async def _serve(self) -> None:
        """Host the replicas until the node is stopped, then hand over and put everything away."""
        hosting = self._hosting = Hosting(
            self.config, self._directory.announcement, self._clock, self._random, self._peers
        )
        with suppress(Stranger):
            self._check_own_log()
        if self._failure is not None:
            return await hosting.close()
        reserve = DiskReserve(self.config.data_dir, _disk_needed(self.config), ThreadRunner("disk"), self._clock)
        await reserve.check()
        self.gateway.write_refusal = lambda: reserve.refusal
        self._view.groups = hosting.groups
        self._metrics.driver = hosting.driver
        self.gateway.open(Router(hosting.groups), hosting.driver.wake)
        self._health.serve(hosting.groups.values())
        publish_first_layout(hosting.groups[SYSTEM_GROUP], hosting.driver.wake)
        for group in hosting.groups.values():
            _log_leaders(group)
        log.info("serving", extra=fields(cluster=f"{hosting.cluster:016x}", groups=len(hosting.groups)))
        running = asyncio.create_task(hosting.run())
        checking = asyncio.create_task(reserve.run())
        saving = asyncio.create_task(self._save_sightings())
        try:
            await self._until_stopped(running)
            if not running.done() and self._failure is None:
                await self._retire(hosting)
        finally:
            running.cancel()
            checking.cancel()
            saving.cancel()
            await asyncio.gather(running, checking, saving, return_exceptions=True)
            reserve.close()
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error
        await hosting.close()

    async def _save_sightings(self) -> None:
        while True:
            await self._clock.sleep(SIGHTINGS_SAVED_S)
            sightings.save(self.config.data_dir, self._sightings.seen)

    async def _retire(self, hosting: Hosting) -> None:
        """Take nothing new, answer what is under way, let others lead."""
        log.info("stopping")
        self._health.retire()
        deadline = self._clock.now() + STOP_GRACE_S
        await within(self._clock, deadline, self.gateway.close())
        for group in hosting.groups.values():
            await within(self._clock, deadline, hand_over(group, self._clock, hosting.driver.wake))

    async def _until_stopped(self, other: Awaitable[object]) -> None:
        """Return when the node is to stop, or `other` is done."""
        waiting = asyncio.ensure_future(other)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()


def _log_leaders(group: Group) -> None:
    """From now on, whenever another leader is known here."""
    logged: str | None = None

    def changed() -> None:
        nonlocal logged
        if group.leader_node != logged:
            logged = group.leader_node
            log.info("leader", extra=fields(group=group.id, node=logged, round=group.replica.ballot.round))

    group.listeners.append(changed)


def _disk_needed(config: Config) -> int:
    """Bytes: the log reserves its next segment at once."""
    return config.limits.disk_reserve_bytes + config.log.segment_bytes


def _to_wire(identity: Identity) -> wire.Identity:
    replicas = [wire.GroupReplica(group=group, replica=replica) for group, replica in identity.replicas]
    return wire.Identity(node=identity.node, replicas=replicas)


def _identity(identity: wire.Identity) -> Identity:
    return Identity(identity.node, tuple(sorted((each.group, each.replica) for each in identity.replicas)))


def _announcement(hello: wire.Hello) -> Announcement:
    try:
        stage = Stage(hello.stage)
    except ValueError as error:
        raise Stranger(f"it is at a stage of formation ({hello.stage}) that this version does not know") from error
    return Announcement(_identity(hello.self), stage, tuple(_identity(member) for member in hello.members))
