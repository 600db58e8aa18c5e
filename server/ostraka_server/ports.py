"""What a node listens on, and what else of this machine it is put into: gRPC, TCP, HTTP, files, the clock."""

from __future__ import annotations

import logging
from random import SystemRandom

from ostraka._grpc import GrpcTransport
from ostraka.clock import BootClock, SystemWallClock
from ostraka_server import catalog
from ostraka_server.config import Config
from ostraka_server.logs import fields
from ostraka_server.metrics import Metrics
from ostraka_server.node import Node, Surroundings
from ostraka_server.rpc import server as rpc_server
from ostraka_server.rpc.channelz import channelz_server
from ostraka_server.rpc.health import Health
from ostraka_server.rpc.http import HttpServer
from ostraka_server.rpc.interceptor import CountingInterceptor
from ostraka_server.rpc.pages import pages
from ostraka_server.rpc.services import SERVICES, add_services
from ostraka_server.rpc.sockets import TcpSockets
from ostraka_server.serving import Serving
from ostraka_server.storage import FileStorage

log = logging.getLogger("ostraka.node")


def this_machine(config: Config) -> Surroundings:
    """What a node really runs in. To be called on its event loop."""
    return Surroundings(
        clock=BootClock(),
        wall=SystemWallClock(),
        random=SystemRandom(),
        storage=FileStorage(config.data_dir),
        sockets=TcpSockets(),
        clients=GrpcTransport(),
    )


class MachinePorts:
    """See `node.Ports`: for clients, for replicas, and for people and Prometheus."""

    def __init__(self, node: Node) -> None:
        clock = BootClock()
        self._node = node
        self._health = Health(SERVICES)
        self._rpcs = CountingInterceptor(clock)
        self._servers = [rpc_server.new_server(node.config.limits, (self._rpcs,))]
        """For clients, and beside it, where it is asked for, channelz."""
        self._metrics = Metrics()
        catalog.show_edges(
            self._metrics,
            node=node.view,
            gateway=node.gateway,
            exchange=node.services.exchange,
            forwarder=node.forwarder,
            peers=node.peers,
            methods=self._rpcs.methods,
        )
        self._http = HttpServer(pages(node.gateway, self._metrics.exposition), clock)

    async def open(self) -> None:
        config, services, (main,) = self._node.config, self._node.services, self._servers
        add_services(
            main,
            kv=services.kv,
            session=services.session,
            exchange=services.exchange,
            cluster=services.cluster,
            health=self._health,
            reflection=config.reflection,
        )
        client = rpc_server.listen(main, config.listen_client)
        try:
            replica = await self._node.peers.listen(config.listen_replica)
        except OSError as error:
            raise rpc_server.PortTaken(
                f"cannot listen for replicas on {config.listen_replica} ({error.strerror}): stop what uses it, or set "
                f"listen_replica"
            ) from error
        http = await self._http.listen(config.listen_http)
        channelz = None
        if config.listen_channelz is not None:
            beside, channelz = channelz_server(config.limits, config.listen_channelz, reflection=config.reflection)
            self._servers.append(beside)
        for server in self._servers:
            await server.start()
        addresses = {"client": client, "replica": replica, "http": http, "channelz": channelz}
        log.info("listening", extra=fields(**{port: str(taken) for port, taken in addresses.items() if taken}))

    def serve(self, serving: Serving) -> None:
        catalog.show_hosting(self._metrics, serving.hosting, serving.reserve)
        self._health.serve(serving.hosting.groups.values())

    def retire(self) -> None:
        self._health.retire()

    async def close(self) -> None:
        for server in self._servers:
            await server.stop(grace=1.0)
        self._http.close()
