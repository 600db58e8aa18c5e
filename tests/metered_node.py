"""A node in memory with its metrics, without sockets: turned by hand, on a clock set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar, cast

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server import catalog
from ostraka_server.config import Address, Config, Limits, Member
from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.introductions import Introductions
from ostraka_server.log import MemoryDirectory
from ostraka_server.metrics import Metrics
from ostraka_server.paxos.formation import Announcement, Identity, Stage
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.interceptor import Rpcs
from ostraka_server.rpc.peers import Handler, Peers
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.disk_reserve import DiskReserve
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.router import Router
from ostraka_server.store import MemoryFactory
from ostraka_server.view import NodeView
from tests.rpc.cluster import ManualClock, Wire
from tests.shard.script import StoppedWall

T = TypeVar("T")
SYNC_S = 0.003
FREE, NEEDED = 5 << 30, 1 << 30
IDENTITY = Identity("n1", tuple((group, 10 * group + 1) for group in SHARDS))
FORMED = Announcement(IDENTITY, Stage.STARTED, (IDENTITY,))
CONFIG = Config(
    cluster="metrics",
    node="n1",
    data_dir=Path("/nowhere"),
    members=(Member("n1", Address("h", 1), Address("h", 2)),),
    listen_replica=Address("h", 1),
    listen_client=Address("h", 2),
    listen_http=Address("h", 3),
)


class AtOnce:
    """A runner without a thread, whose work takes its time by the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    async def run(self, work: Callable[[], T]) -> T:
        result = work()
        self._clock.advance(SYNC_S)
        return result

    def close(self) -> None: ...


class Recorded:
    """A `storage.Record` of a formation that is over."""

    announcement = FORMED

    def record(self, announcement: Announcement) -> None:
        raise AssertionError("nothing changes any more")

    def close(self) -> None: ...


class InMemory:
    """A `storage.Storage`."""

    path = CONFIG.data_dir

    def __init__(self, clock: ManualClock, image: bytes | None) -> None:
        self._clock = clock
        self._log = MemoryDirectory()
        self._image = image

    def record(self, cluster: str, node: str, groups: Sequence[int], random: Random) -> Recorded:
        return Recorded()

    def sightings(self) -> dict[str, int]:
        return {}

    def save_sightings(self, seen: Mapping[str, int]) -> None: ...

    def free_bytes(self) -> int:
        return FREE

    def log(self) -> MemoryDirectory:
        return self._log

    def store(self, group: int) -> MemoryFactory:
        return MemoryFactory(self._image)

    def runner(self, name: str) -> AtOnce:
        return AtOnce(self._clock)


class Sequenced:
    """As much of a handler as sending asks for."""

    def sequence(self) -> int:
        return 0


class MeteredNode:
    """A cluster of one, as `node` puts it together but for sockets; turned by hand."""

    def __init__(self, image: bytes | None = None) -> None:
        """`image`: of its stores, as it finds them."""
        clock = self.clock = ManualClock()
        self.forwarder = Forwarder(Wire(), {"n2": "n2:7401"}, clock)
        self.gateway = Gateway(node="n1", limits=Limits(), forwarder=self.forwarder, clock=clock)
        self.exchange = ExchangeService(self.gateway, Limits(), clock, Random(1))
        self.peers = Peers(cast(Handler, Sequenced()), {"n2": Address("h", 4)}, clock)
        storage = InMemory(clock, image)
        self.view = NodeView(CONFIG, self.peers, Introductions(CONFIG, storage, clock, Random(1)), clock)
        self.rpcs = Rpcs("unary")
        self.metrics = Metrics()
        catalog.show_edges(
            self.metrics,
            node=self.view,
            gateway=self.gateway,
            exchange=self.exchange,
            forwarder=self.forwarder,
            peers=self.peers,
            methods={"/ostraka.v1.KV/Get": self.rpcs},
        )
        self.reserve = DiskReserve(storage.path, NEEDED, AtOnce(clock), clock, storage.free_bytes)
        open_log(CONFIG, cluster_id(FORMED.members), storage, must_exist=False).close()
        wall, has_room = StoppedWall(), self.reserve.has_room
        self.hosting = Hosting(CONFIG, FORMED, clock, wall, Random(1), self.peers, storage, has_room)
        asyncio.run(self.hosting.open())
        self.group = self.hosting.groups[1]

    def serve(self) -> None:
        """Elect oneself."""
        groups = self.view.groups = self.hosting.groups
        catalog.show_hosting(self.metrics, self.hosting, self.reserve)
        self.gateway.open(Router(groups), lambda: None)
        self.clock.advance(2.0)
        self.turn()
        assert all(group.replica.serving for group in groups.values())

    def turn(self) -> None:
        async def main() -> None:
            for _ in range(8):
                await self.hosting.driver.turn()

        asyncio.run(main())

    def call(self, *commands: Command) -> list[Reply]:
        replies: list[Reply] = []
        for command in commands:
            self.gateway.submit(command.SerializeToString(), 1000, replies.append)
        self.turn()
        assert len(replies) == len(commands)
        return replies

    def families(self) -> dict[str, Metric]:
        text = self.metrics.exposition().decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float:
        samples = (sample for family in self.families().values() for sample in family.samples)
        (value,) = (sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))
        return value

    def of_group(self, prefix: str, *names: str) -> Mapping[str, float]:
        """Of the data group."""
        return {name: self.value(prefix + name, group="1") for name in names}
