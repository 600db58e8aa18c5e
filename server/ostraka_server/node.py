"""A node: the composition root. What is formed, what serves, and in which order it stops.

Time, chance, disk and network come in as `Surroundings`: the real ones stand in `ports.py`, with what listens; the
simulator has its own, and runs everything from here down as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from ostraka._transport import Transport
from ostraka.clock import Clock, WallClock
from ostraka_server.config import Config
from ostraka_server.hosting import Hosting
from ostraka_server.introductions import Introductions
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.rpc.peers import Peers
from ostraka_server.rpc.session_service import SessionService
from ostraka_server.rpc.sockets import Sockets
from ostraka_server.serving import Serving
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.storage import Storage
from ostraka_server.view import NodeView


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node is put into."""

    clock: Clock
    wall: WallClock
    random: Random
    storage: Storage
    sockets: Sockets
    """To and from other nodes' replicas."""
    clients: Transport
    """To other nodes' gateways, as a client reaches them."""


class Services(NamedTuple):
    """What clients call."""

    kv: KvService
    session: SessionService
    exchange: ExchangeService
    cluster: ClusterService


class Ports(Protocol):
    """Where others reach the node."""

    async def open(self) -> None:
        """Listen. Raises PortTaken."""

    def serve(self, serving: Serving) -> None:
        """The groups are there."""

    def retire(self) -> None:
        """The node takes nothing new from now on."""

    async def close(self) -> None:
        """Listen no more; what is under way ends. Harmless where `open` failed."""


class Node:
    """Runs once: `run` until `stop` or until the node must not go on."""

    def __init__(self, config: Config, surroundings: Surroundings) -> None:
        """Raises DirectoryRefused."""
        clock, clients = surroundings.clock, surroundings.clients
        others = {m.node: m for m in config.members if m.node != config.node}
        self.config = config
        self._surroundings = surroundings
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self.introductions = Introductions(config, surroundings.storage, clock, surroundings.random)
        replica_addresses = {node: member.replica_address for node, member in others.items()}
        self.peers = Peers(self.introductions, replica_addresses, clock, surroundings.sockets)
        addresses = {member.node: str(member.client_address) for member in config.members}
        self.forwarder = Forwarder(clients, addresses, clock)
        self.gateway = Gateway(node=config.node, limits=config.limits, forwarder=self.forwarder, clock=clock)
        self.view = NodeView(config, self.peers, self.introductions, clock)
        self.services = Services(
            KvService(self.gateway),
            SessionService(self.gateway),
            ExchangeService(self.gateway, config.limits, clock, surroundings.random),
            ClusterService(self.view, self.gateway, clients, clock),
        )
        self.hosting: Hosting | None = None
        """Once the cluster is formed."""
        self.introductions.refused = self._fail
        self.introductions.waits_for = self.gateway.waits_for
        self.introductions.say_hello = self.peers.say_hello

    def stop(self) -> None:
        """Stop gracefully; `run` returns when that is done."""
        self._stop.set()

    async def run(self, ports: Ports) -> None:
        """Serve. Raises what made it stop, unless that was `stop`."""
        try:
            await ports.open()
            self.peers.connect()
            self.introductions.form()
            await self._until_stopped(self.introductions.formed.wait())
            if self.introductions.formed.is_set() and self._failure is None:
                await self._serve(ports)
        finally:
            await ports.close()
            await self.forwarder.close()
            await self._surroundings.clients.close()
            await self.peers.close()
            self.introductions.close()
        if self._failure is not None:
            raise self._failure

    async def _serve(self, ports: Ports) -> None:
        """Host the replicas until the node is stopped, then hand over and put everything away."""
        serving = self._serving()
        await serving.load()
        self.introductions.serve(serving.hosting)
        if self._failure is not None:
            return await serving.close()
        self.hosting, self.view.groups = serving.hosting, serving.hosting.groups
        await serving.open()
        ports.serve(serving)
        running = asyncio.create_task(serving.run())
        saving = asyncio.create_task(self.introductions.run())
        try:
            await self._until_stopped(running)
            if not running.done() and self._failure is None:
                ports.retire()
                await serving.retire()
        finally:
            running.cancel()
            saving.cancel()
            await asyncio.gather(running, saving, return_exceptions=True)
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error
        await serving.close()

    def _serving(self) -> Serving:
        here = self._surroundings
        return Serving(
            self.config,
            self.introductions.announcement,
            self.gateway,
            clock=here.clock,
            wall=here.wall,
            random=here.random,
            storage=here.storage,
            replicas=self.peers,
        )

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._stop.set()

    async def _until_stopped(self, other: Awaitable[object]) -> None:
        """Return when the node is to stop, or `other` is done."""
        waiting = asyncio.ensure_future(other)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
