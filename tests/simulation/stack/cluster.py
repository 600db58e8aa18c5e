"""A whole cluster in one thread on virtual time: nodes with their logs and stores, gateways and SDK clients.

    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        await client.put("key", "value")

    run(scenario, seed=1)

A seed is a whole run: from it come replica ids, election timeouts, delays, and what a power loss leaves. Nothing else
decides anything, so equal seeds have equal event hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from ostraka.aio import Client
from ostraka_server.config import Address, Config, History, Limits, Log, Member, Paxos, Store
from ostraka_server.hosting import SHARDS
from ostraka_server.shard.group import Group
from tests.simulation.clock import Clock
from tests.simulation.network import Conditions
from tests.simulation.stack import loop
from tests.simulation.stack.host import Host
from tests.simulation.stack.process import Process, adopt
from tests.simulation.stack.streams import ClientWire
from tests.simulation.stack.watch import Watch
from tests.simulation.stack.wires import Wires
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

KiB = 1024
FIRST_CLIENT = 100
POLL_S = 0.01
FORMED_WITHIN_S = 20.0

ROUGH = Conditions(loss=0.02, duplicate=0.02, straggle=0.02, straggle_s=0.3)
"""A network that makes replicas repeat themselves, but elects no leaders."""

STORE = Store(flush_interval_ms=3000)
"""Runs are too short for the interval that nodes have by themselves."""
LOG = Log(segment_bytes=512 * KiB)
"""Small enough for memory."""
PAXOS = Paxos(window_bytes=256 * KiB)
HISTORY = History()
LIMITS = Limits(value_bytes_max=16 * KiB, request_bytes_max=64 * KiB, range_response_bytes_max=32 * KiB)

Scenario = Callable[["Cluster"], Coroutine[Any, Any, None]]


def run(
    scenario: Scenario,
    *,
    seed: int = 0,
    size: int = 3,
    store: Store = STORE,
    limits: Limits = LIMITS,
    log: Log = LOG,
    paxos: Paxos = PAXOS,
    history: History = HISTORY,
) -> Trace:
    """Start a cluster, wait until it serves, live through the scenario; what happened."""
    timeline = Timeline()
    trace = Trace(timeline)

    async def live() -> None:
        cluster = Cluster(timeline, trace, seed, configs(size, store, limits, log, paxos, history))
        try:
            await cluster.until(lambda: cluster.leader is not None and all(cluster.serving), FORMED_WITHIN_S)
            await scenario(cluster)
        finally:
            cluster.end()

    loop.run(timeline, live(), adopt)
    return trace


def configs(
    size: int, store: Store, limits: Limits, log: Log, paxos: Paxos, history: History = HISTORY
) -> list[Config]:
    """Of nodes n1, n2, ..."""
    names = [f"n{number}" for number in range(1, size + 1)]
    members = tuple(Member(name, Address(name, 2), Address(name, 1)) for name in names)
    return [
        Config(
            cluster="simulated",
            node=name,
            data_dir=Path(name),
            members=members,
            listen_client=Address(name, 1),
            listen_replica=Address(name, 2),
            listen_http=Address(name, 3),
            paxos=paxos,
            log=log,
            store=store,
            history=history,
            limits=limits,
        )
        for name in names
    ]


class SimulatedClient(Client):
    """The SDK's client, and what else the scenario needs to know of it. `number` is its address on the wires."""

    def __init__(
        self, number: int, process: Process, wire: ClientWire, endpoints: Iterable[str], random: Random, timeout: float
    ) -> None:
        super().__init__(endpoints, timeout=timeout, _transport=wire, _clock=process.clock, _random=random)
        self.number = number
        self.process = process
        self.wire = wire


class Cluster:
    """In the scenario's hand. It is itself no process: its clock is the timeline's."""

    def __init__(self, timeline: Timeline, trace: Trace, seed: int, of: Iterable[Config]) -> None:
        self.trace = trace
        self.random = Random(f"{seed} scenario")
        self.wires = Wires(timeline, Random(f"{seed} network"), trace)
        self.clients: list[SimulatedClient] = []
        of = tuple(of)
        self.watch = Watch(trace, len(of))
        self._timeline = timeline
        self._seed = seed
        self._observer = self._process("observer")
        self.nodes = [Host(i, config, self.wires, timeline, trace, seed, self.watch) for i, config in enumerate(of, 1)]
        for node in self.nodes:
            self.wires.add(node, node.address, node.name)
        for node in self.nodes:
            node.start()

    # Looking on

    @property
    def now(self) -> float:
        """Seconds since the start of the run."""
        return self._timeline.now

    @property
    def alive(self) -> list[Host]:
        """The nodes that are up."""
        return [node for node in self.nodes if node.life is not None]

    @property
    def serving(self) -> Iterator[bool]:
        """Of each node, whether its groups are there."""
        return (node.serves for node in self.nodes)

    @property
    def leader(self) -> Host | None:
        """The node that serves the data shard; of several who believe so the one with the highest ballot."""
        serving = [node for node in self.nodes if node.serves and node.up.group.replica.serving]
        return max(serving, key=lambda node: node.up.group.replica.ballot, default=None)

    @property
    def must_lead(self) -> Host:
        """The same, where there must be one."""
        leader = self.leader
        assert leader is not None
        return leader

    @property
    def followers(self) -> list[Host]:
        """The nodes that serve and are not `must_lead`."""
        return [node for node in self.nodes if node.serves and node is not self.must_lead]

    def groups(self, number: int) -> list[Group]:
        """A group's replicas on all nodes that serve."""
        return [node.up.hosting.groups[number] for node in self.nodes if node.serves]

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

    async def until_serves(self, node: Host, within_s: float = 5.0) -> None:
        """Let time pass until a node that was started serves. Raises what it died of instead."""
        await self.until(lambda: node.serves or node.life is None, within_s)
        if node.life is None:
            assert node.ended_by is not None
            raise node.ended_by

    async def until_level(self, within_s: float = 10.0) -> None:
        """Let time pass until all replicas have applied the same slots, to the same state."""
        await self.until(lambda: all(node.serves for node in self.alive), within_s)
        for number in SHARDS:
            await self.until(lambda n=number: len({g.machine.applied_slot for g in self.groups(n)}) == 1, within_s)  # type: ignore[misc]
            assert len({group.machine.digest for group in self.groups(number)}) == 1

    # Doing

    def client(self, *endpoints: str, timeout: float = 5.0) -> SimulatedClient:
        """A client in a process of its own, that knows the given endpoints, by default all."""
        number = FIRST_CLIENT + len(self.clients) + 1
        process = self._process(f"client {number}")
        wire = ClientWire(number, process, self.wires)
        random = Random(f"{self._seed} client {number}")
        known = endpoints or [node.address for node in self.nodes]
        client = SimulatedClient(number, process, wire, known, random, timeout)
        self.clients.append(client)
        return client

    def cut_off(self, nodes: Iterable[Host], seconds: float, *, clients_too: bool = False) -> None:
        """A partition: `nodes` do not reach the others for so long."""
        apart = [node.number for node in nodes]
        others = [node.number for node in self.nodes if node.number not in apart]
        clients = [client.number for client in self.clients] if clients_too else []
        self.wires.isolate(apart, (*others, *clients), seconds)

    def end(self) -> None:
        """Nothing happens any more."""
        for process in (*(node.process for node in self.nodes), *(client.process for client in self.clients)):
            if process is not None:
                process.kill()

    def _process(self, name: str) -> Process:
        random = Random(f"{self._seed} {name}")
        return Process(name, self._timeline, self.trace, Clock(self._timeline), random)
