"""A machine of the simulated cluster: its disk, its clock, and one process after another, each a whole node.

The node is `ostraka_server.node.Node` as it is; sockets, files, clock and chance are the simulator's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
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
from tests.simulation.clock import Clock, WallClock
from tests.simulation.faults import Fault
from tests.simulation.recorder import State
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.loop import Loop
from tests.simulation.stack.process import Process
from tests.simulation.stack.sockets import ProcessSockets, SimulatedListener
from tests.simulation.stack.storage import PowerFails, ProcessStorage
from tests.simulation.stack.streams import Aborted, ClientWire, ExchangeContext, UnaryContext
from tests.simulation.stack.watch import Watch
from tests.simulation.stack.wires import Wires
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation

RARE = 0.05
"""The share of all boundaries reached so far, below which one is."""


class Host:
    """`life` while a process runs on it."""

    def __init__(
        self, number: int, config: Config, wires: Wires, timeline: Timeline, trace: Trace, seed: int, watch: Watch
    ) -> None:
        self.number = number
        self.name = config.node
        self.config = config
        self.address = str(config.listen_client)
        self.disk = Disk()
        self.clock = Clock(timeline)
        self.wall = WallClock(self.clock)
        self.life: Life | None = None
        self.process: Process | None = None
        self.listener: SimulatedListener | None = None
        self.ended_by: BaseException | None = None
        """What the last process died of, unless it was stopped or killed."""
        self.on_end: Callable[[], object] = lambda: None
        """Called whenever a process has ended, in whichever way."""
        self.on_serve: Callable[[], object] = lambda: None
        """Called when a process has opened what is on the disk."""
        self.doomed_in: int | None = None
        """The next process dies at so-manieth boundary between two steps of the disk or the network."""
        self.doomed_rarely = False
        """Only boundaries count that are seldom reached: those of snapshots, checkpoints, truncations."""
        self.doomed_to_lose_power = False
        self.busy_s = 0.0
        """What everything that happens costs its processes, on average."""
        self.watch = watch
        self._wires = wires
        self._timeline = timeline
        self._trace = trace
        self._random = Random(f"{seed} host {number}")
        self._visits: Counter[str] = Counter()
        self._visited = 0

    @property
    def up(self) -> Life:
        """The running process's."""
        assert self.life is not None, f"{self.name} is down"
        return self.life

    @property
    def serves(self) -> bool:
        """Whether a process is up, with its groups open."""
        return self.life is not None and self.life.node.hosting is not None

    @property
    def whole(self) -> bool:
        """Whether it serves, and nothing that was durable here is missing."""
        if not self.serves:
            return False
        hosting = self.up.hosting
        return all(
            not group.lost and hosting.log.lacks(number, group.replica.decided_through) == hosting.log.base(number)
            for number, group in hosting.groups.items()
        )

    def has_seen(self, node: str) -> int:
        """How far it has seen the log of `node`, while it serves."""
        return self.up.node.introductions._sightings.seen.get(node, 0)

    def lose_store(self, group: int) -> None:
        """While nothing runs here: what the store of a group held is gone."""
        self.watch.store_struck(self.name, group)
        self.disk.lose_store(group)

    def start(self) -> None:
        """Start a process from what the disk holds; once it `serves` its groups are there, unless it dies before."""
        assert self.life is None
        self._trace.note(f"{self.name} starts")
        self._trace.state(self.number, State.DOWN, False)
        self._wires.host_died(self.number)
        random = Random(self._random.random())
        process = self.process = Process(self.name, self._timeline, self._trace, self.clock, random)
        process.busy_s = self.busy_s
        self.life = Life(self, process, self._wires, self._surroundings(process, random))

    def kill(self, *, power_loss: bool = False) -> None:
        """End the process at once; with a power loss, what was not synced is in doubt."""
        self._trace.note(f"{self.name} is killed{' by a power loss' * power_loss}")
        self.ended_by = None
        if power_loss:
            self.disk.lose_power(self._random)
        self._end()

    def boundary(self, where: str) -> bool:
        """Whether the process dies here, where it was doomed to."""
        self._visits[where] += 1
        self._visited += 1
        if self.doomed_in is None or (self.doomed_rarely and self._visits[where] >= RARE * self._visited):
            return False
        self.doomed_in -= 1
        if self.doomed_in > 0:
            return False
        self.doomed_in = None
        self._trace.count(Fault.CRASH_AT_BOUNDARY)
        self._trace.count(f"crash {where}")
        self.kill(power_loss=self.doomed_to_lose_power)
        return True

    def leads(self, holds: bool) -> None:
        """Whether its process serves the data shard from now on."""
        self._trace.state(self.number, State.LEADS, holds)

    def _torn(self) -> None:
        """The power failed in the middle of a write."""
        self._trace.count(Fault.TORN_WRITE)
        self.kill(power_loss=True)

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        life = self.up
        life.node.stop()
        await asyncio.wait((life.running,))

    def died(self, error: BaseException | None) -> None:
        """The process ended by itself; None where that was asked for."""
        if isinstance(error, PowerFails):  # while it opened the log
            self._torn()
            return
        self._trace.note(f"{self.name} ends{f': {error!r}' if error else ''}")
        self.ended_by = error
        violation = _violation(error)
        if violation is not None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, Loop)
            loop.fail(violation)
        self._end()

    def _end(self) -> None:
        self._trace.state(self.number, State.DOWN, True)
        life, self.life, process, self.process = self.up, None, self.process, None
        assert process is not None
        process.kill()
        self.listener = None
        self._wires.break_connections(process)
        life.let_go()
        self.on_end()

    def _surroundings(self, process: Process, random: Random) -> Surroundings:
        return Surroundings(
            clock=process.clock,
            wall=self.wall,
            random=random,
            storage=ProcessStorage(
                self.disk,
                process,
                self._timeline,
                self._trace,
                random,
                self.boundary,
                lambda: self.watch.synced(self.name),
                self._torn,
            ),
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


def _violation(error: BaseException | None) -> Violation | None:
    """The broken invariant among what a process died of."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := _violation(each)) is not None), None)
    return error if isinstance(error, Violation) else None


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
        self._host.watch.begins(self._host.name, serving.hosting)
        group = serving.hosting.groups[FIRST_GROUP]
        group.listeners.append(lambda: self._host.leads(group.replica.serving))
        self._host.on_serve()

    def retire(self) -> None:
        """Health, which tells others, is not part of the simulator."""

    async def close(self) -> None:
        """The host knows that the process ended."""
