"""A whole cluster in one thread on virtual time: nodes with their logs and stores, gateways and SDK clients.

    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        await client.put("key", "value")

    run(scenario, seed=1)

A seed is a whole run: from it come replica ids, election timeouts, delays, and what a power loss leaves. Nothing else
decides anything, so equal seeds have equal event hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from random import Random
from typing import Any

from ostraka.aio import Client
from ostraka_server.config import Limits, Log, Store
from ostraka_server.shard.group import Group
from tests.simulation.clock import Clock
from tests.simulation.network import Conditions
from tests.simulation.stack import loop
from tests.simulation.stack.node import KiB, Node, World, configs, identities
from tests.simulation.stack.process import Process, adopt
from tests.simulation.stack.wires import ClientWire, Wires
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

FIRST_CLIENT = 100
POLL_S = 0.01

ROUGH = Conditions(loss=0.02, duplicate=0.02, straggle=0.02, straggle_s=0.3)
"""A network that makes replicas repeat themselves, but elects no leaders."""

STORE = Store()
LOG = Log(segment_bytes=512 * KiB)
"""Small enough for memory."""
LIMITS = Limits(value_bytes_max=16 * KiB, request_bytes_max=64 * KiB, range_response_bytes_max=32 * KiB)

Scenario = Callable[["Cluster"], Coroutine[Any, Any, None]]


def run(
    scenario: Scenario, *, seed: int = 0, size: int = 3, store: Store = STORE, limits: Limits = LIMITS, log: Log = LOG
) -> Trace:
    """Start a cluster, wait until it serves, live through the scenario; what happened."""
    timeline = Timeline()
    trace = Trace(timeline)

    async def live() -> None:
        cluster = Cluster(timeline, trace, seed, size, store, limits, log)
        await cluster.until(lambda: cluster.leader is not None, 10.0)
        await scenario(cluster)

    loop.run(timeline, live(), adopt)
    return trace


class SimulatedClient(Client):
    """The SDK's client, and what else the scenario needs to know of it. `number` is its address on the wires."""

    def __init__(
        self, number: int, process: Process, wire: ClientWire, endpoints: Iterable[str], random: Random, timeout: float
    ) -> None:
        super().__init__(endpoints, timeout=timeout, _transport=wire, _clock=process.clock, _random=random)
        self.number = number
        self.wire = wire


class Cluster:
    """In the scenario's hand. It is itself no process: its clock is the timeline's."""

    def __init__(
        self, timeline: Timeline, trace: Trace, seed: int, size: int, store: Store, limits: Limits, log: Log
    ) -> None:
        self.trace = trace
        self.random = Random(f"{seed} scenario")
        self.wires = Wires(timeline, Random(f"{seed} network"), trace)
        self._timeline = timeline
        self._seed = seed
        self._observer = Process(timeline, Clock(timeline))
        self._clients = FIRST_CLIENT
        members = identities(size, Random(f"{seed} identities"))
        world = World(timeline, trace, self.wires, members, configs(members, store, limits, log))
        self.nodes = [Node(i, world, Random(f"{seed} node {i}")) for i in range(1, size + 1)]
        self._by_name = {node.name: node for node in self.nodes}
        self.wires.hosts.update({node.address: node for node in self.nodes} | self._by_name)
        for node in self.nodes:
            node.start()

    # Looking on

    @property
    def now(self) -> float:
        """Seconds since the start of the run."""
        return self._timeline.now

    @property
    def alive(self) -> list[Node]:
        """The nodes that are up."""
        return [node for node in self.nodes if node.life is not None]

    @property
    def leader(self) -> Node | None:
        """The node that serves the data shard; of several who believe so the one with the highest ballot."""
        serving = [node for node in self.alive if node.up.group.replica.serving]
        return max(serving, key=lambda node: node.up.group.replica.ballot, default=None)

    @property
    def must_lead(self) -> Node:
        """The same, where there must be one."""
        leader = self.leader
        assert leader is not None
        return leader

    @property
    def followers(self) -> list[Node]:
        """The nodes that are up and not `must_lead`."""
        return [node for node in self.alive if node is not self.must_lead]

    def groups(self, number: int) -> list[Group]:
        """A group's replicas on all nodes that are up."""
        return [node.up.hosting.groups[number] for node in self.alive]

    # Time

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._observer.clock.sleep(seconds)

    async def until(self, done: Callable[[], bool], within_s: float) -> None:
        """Let time pass until `done` holds, which must be within so many seconds."""
        end = self.now + within_s
        while not done():
            assert self.now < end, f"not within {within_s} s"
            await self.sleep(POLL_S)

    async def until_level(self, within_s: float = 10.0) -> None:
        """Let time pass until all replicas have applied the same slots, to the same state."""
        for number in self.alive[0].up.hosting.groups:
            await self.until(lambda n=number: len({g.machine.applied_slot for g in self.groups(n)}) == 1, within_s)  # type: ignore[misc]
            assert len({group.machine.digest for group in self.groups(number)}) == 1

    # Doing

    def client(self, *endpoints: str, timeout: float = 5.0) -> SimulatedClient:
        """A client in a process of its own, that knows the given endpoints, by default all."""
        self._clients += 1
        process = Process(self._timeline, Clock(self._timeline))
        wire = ClientWire(self._clients, process, self.wires)
        random = Random(f"{self._seed} client {self._clients}")
        return SimulatedClient(
            self._clients, process, wire, endpoints or [node.address for node in self.nodes], random, timeout
        )

    def cut_off(self, nodes: Iterable[Node], seconds: float, *, clients_too: bool = False) -> None:
        """A partition: `nodes` do not reach the others for so long."""
        apart = [node.number for node in nodes]
        others = [node.number for node in self.nodes if node.number not in apart]
        clients = range(FIRST_CLIENT, self._clients + 1) if clients_too else ()
        self.wires.isolate(apart, (*others, *clients), seconds)
