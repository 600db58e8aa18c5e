"""A machine of the simulated cluster: its disk, its clock, and one process after another, each a whole node.

The node is `ostraka_server.node.Node` as it is; sockets, files, clock and chance are the simulator's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any, cast

from google.protobuf.message_factory import GetMessageClass

from ostraka.v1 import cluster_pb2, kv_pb2
from ostraka_server.config import Config
from ostraka_server.hosting import Hosting
from ostraka_server.node import Node, Surroundings
from ostraka_server.serving import Serving
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.layout import FIRST_GROUP
from tests.simulation.clock import Clock
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.process import Process
from tests.simulation.stack.sockets import ProcessSockets, SimulatedListener
from tests.simulation.stack.storage import ProcessStorage
from tests.simulation.stack.streams import Aborted, ClientWire, ExchangeContext, UnaryContext
from tests.simulation.stack.wires import Wires
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


class Host:
    """`life` while a process runs on it."""

    def __init__(self, number: int, config: Config, wires: Wires, timeline: Timeline, trace: Trace, seed: int) -> None:
        self.number = number
        self.name = config.node
        self.config = config
        self.address = str(config.listen_client)
        self.disk = Disk()
        self.clock = Clock(timeline)
        self.life: Life | None = None
        self.process: Process | None = None
        self.listener: SimulatedListener | None = None
        self.ended_by: BaseException | None = None
        """What the last process died of, unless it was stopped or killed."""
        self._wires = wires
        self._timeline = timeline
        self._trace = trace
        self._random = Random(f"{seed} host {number}")

    @property
    def up(self) -> Life:
        """The running process's."""
        assert self.life is not None, f"{self.name} is down"
        return self.life

    @property
    def serves(self) -> bool:
        """Whether a process is up, with its groups open."""
        return self.life is not None and self.life.node.hosting is not None

    def start(self) -> None:
        """Start a process from what the disk holds; once it `serves` its groups are there, unless it dies before."""
        assert self.life is None
        self._trace.note(f"{self.name} starts")
        self._wires.host_died(self.number)
        random = Random(self._random.random())
        process = self.process = Process(self.name, self._timeline, self._trace, self.clock, random)
        self.life = Life(self, process, self._wires, self._surroundings(process, random))

    def kill(self, *, power_loss: bool = False) -> None:
        """End the process at once; with a power loss, what was not synced is in doubt."""
        self._trace.note(f"{self.name} is killed{' by a power loss' * power_loss}")
        self._end()
        if power_loss:
            self.disk.lose_power(self._random)

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        life = self.up
        life.node.stop()
        await asyncio.wait((life.running,))

    def died(self, error: BaseException | None) -> None:
        """The process ended by itself; None where that was asked for."""
        self._trace.note(f"{self.name} ends{f': {error!r}' if error else ''}")
        self.ended_by = error
        self._end()

    def _end(self) -> None:
        life, self.life, process, self.process = self.up, None, self.process, None
        assert process is not None
        process.kill()
        self.listener = None
        self._wires.break_connections(process)
        life.let_go()

    def _surroundings(self, process: Process, random: Random) -> Surroundings:
        return Surroundings(
            clock=process.clock,
            random=random,
            storage=ProcessStorage(self.disk, process, self._timeline, self._trace, random),
            sockets=ProcessSockets(self, process, self._wires),
            clients=ClientWire(self.number, process, self._wires),
        )

    # What arrives, in the process

    def overtake(self, source: int, messages: Iterable[bytes]) -> None:
        hosting = self.up.node.hosting
        if hosting is not None:
            hosting.driver.receive(f"n{source}", messages)

    def start_exchange(self, context: ExchangeContext) -> asyncio.Task[None]:
        return asyncio.create_task(self.up.node.services.exchange.exchange(None, cast(Any, context)))

    def start_unary(self, method: str, request: bytes, context: UnaryContext) -> asyncio.Task[None]:
        return asyncio.create_task(self.up.unary(method, request, context))


class Life:
    """One process: a node, from its start to its end."""

    def __init__(self, host: Host, process: Process, wires: Wires, surroundings: Surroundings) -> None:
        self._host = host
        self._process = process
        self.node = process.call(Node, host.config, surroundings)
        self.running = process.start(self.node.run(self))
        self.running.add_done_callback(self._ended)

    @property
    def hosting(self) -> Hosting:
        """Its replicas, once it serves."""
        assert self.node.hosting is not None, f"{self._host.name} does not serve yet"
        return self.node.hosting

    @property
    def group(self) -> Group:
        """The data shard's."""
        return self.hosting.groups[FIRST_GROUP]

    @property
    def gateway(self) -> Gateway:
        return self.node.gateway

    @property
    def forwarder(self) -> Forwarder:
        return self.node.forwarder

    async def unary(self, method: str, request: bytes, context: UnaryContext) -> None:
        """Carry out a unary call of `ostraka.v1`."""
        _, service, name = method.replace("/ostraka.v1.", "/").split("/")
        services: dict[str, Any] = {"Cluster": self.node.services.cluster, "KV": self.node.services.kv}
        file = cluster_pb2 if service == "Cluster" else kv_pb2
        described = file.DESCRIPTOR.services_by_name[service].methods_by_name[name].input_type
        try:
            answer = await getattr(services[service], name)(GetMessageClass(described).FromString(request), context)
        except Aborted:
            return
        context.finish(answer.SerializeToString())

    def let_go(self) -> None:
        """The process is dead: its memory goes."""
        if self.node.hosting is not None:
            for store in self.node.hosting.stores.values():
                store.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._process.alive:
            self._host.died(None if task.cancelled() else task.exception())

    # See ostraka_server.node.Ports

    async def open(self) -> None:
        await self.node.peers.listen(self._host.config.listen_replica)

    def serve(self, serving: Serving) -> None:
        """Whoever calls finds the services by the host."""

    def retire(self) -> None:
        """Health, which tells others, is not part of the simulator."""

    async def close(self) -> None:
        """The host knows that the process ended."""
