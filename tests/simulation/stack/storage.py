"""What one process sees of its machine's disk: the twin of `ostraka_server.storage`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from zlib import crc32

from ostraka_server.log import MemoryDirectory
from ostraka_server.paxos.formation import Announcement, Identity, Stage
from ostraka_server.shard.directory import REPLICA_ID_BITS
from ostraka_server.store import MemoryFactory
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.process import Process, resolve
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

T = TypeVar("T")

WORK_S = 0.0005
"""What blocking work takes on average, unless the disk is made slower."""


class PowerFails(Exception):
    """In the middle of a step: raised by a disk that was told to (`MemoryDirectory.fail`)."""


class ProcessStorage:
    """See `ostraka_server.storage.Storage`. Once the process is dead nothing reaches the disk any more."""

    def __init__(
        self,
        disk: Disk,
        process: Process,
        timeline: Timeline,
        trace: Trace,
        random: Random,
        boundary: Callable[[str], bool],
        synced: Callable[[], object],
        torn: Callable[[], object],
    ) -> None:
        """`boundary` is called with the name of each moment between two steps of the disk's, and tells whether the
        process dies there; `synced` when the log was; `torn` where `PowerFails` cut a step short."""
        self.boundary = boundary
        self.synced = synced
        self.torn = torn
        self.path = Path(process.name)
        self.disk = disk
        self.process = process
        self.timeline = timeline
        self.trace = trace
        self.random = random
        self._stores: dict[int, MemoryFactory] = {}

    def record(self, cluster: str, node: str, groups: Sequence[int], random: Random) -> ProcessRecord:
        if self.disk.record is None:
            replicas = tuple((group, 1 + random.getrandbits(REPLICA_ID_BITS)) for group in groups)
            self.disk.record = Announcement(Identity(node, replicas), Stage.FORMATTED)
        return ProcessRecord(self.disk, self.process)

    def log(self) -> MemoryDirectory:
        return self.disk.log

    def store(self, group: int) -> MemoryFactory:
        image, name = self.disk.images.get(group), f"{self.path}, group {group}"
        factory = MemoryFactory(image, name=name, saved=lambda image: self.disk.saved(group, image))
        self._stores[group] = factory
        return factory

    def sightings(self) -> dict[str, int]:
        return dict(self.disk.sightings)

    def save_sightings(self, seen: Mapping[str, int]) -> None:
        if self.process.alive:
            self.disk.sightings = dict(seen)

    def free_bytes(self) -> int:
        return self.disk.free_bytes

    def runner(self, name: str) -> ProcessRunner:
        return ProcessRunner(name, self)

    def written(self, name: str) -> None:
        """Some work was done: what is there now?"""
        if name == "store":
            images = {group: factory.serialize() for group, factory in self._stores.items()}
            self.disk.flushed(images)
            self.trace.note(f"{self.process.name} stores {sum(map(crc32, images.values())):x}")
        elif name == "log":
            self.trace.note(f"{self.process.name} log {self.disk.log.steps} {self.disk.log.checksum:08x}")
            self.synced()


class ProcessRecord:
    """See `ostraka_server.storage.Record`."""

    def __init__(self, disk: Disk, process: Process) -> None:
        assert disk.record is not None
        self.announcement = disk.record
        self._disk = disk
        self._process = process

    def record(self, announcement: Announcement) -> None:
        if self._process.alive:
            self.announcement = self._disk.record = announcement

    def close(self) -> None:
        """Nobody else is kept from it: a machine has one process."""


class ProcessRunner:
    """See `shard.seams.Runner`: a thread, whose work is done at some moment of the time that it takes. So a crash finds
    it done or not. Like a thread it cannot be cancelled."""

    def __init__(self, name: str, storage: ProcessStorage) -> None:
        self._name = name
        self._storage = storage
        self._busy_until = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        storage = self._storage
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        duration = storage.random.expovariate(1 / WORK_S) * storage.disk.slowness.get(self._name, 1.0)
        begin = max(storage.timeline.now, self._busy_until)
        end = self._busy_until = begin + duration
        storage.timeline.at(begin + duration * storage.random.random(), partial(self._work, work, done, end))
        return await done

    def close(self) -> None:
        """There is no thread to let go of."""

    def _work(self, work: Callable[[], T], done: asyncio.Future[T], end: float) -> None:
        storage = self._storage
        if not storage.process.alive or storage.boundary(f"before {_name(work)}"):
            return
        tell: Callable[[], Any]
        try:
            if storage.disk.free_bytes <= 0 and self._name == "store":
                raise sqlite3.OperationalError("database or disk is full")
            tell = partial(resolve, done, work())
        except PowerFails:
            storage.torn()
            return
        except Exception as error:
            tell = partial(_fail, done, error)
        else:
            storage.written(self._name)
        if storage.boundary(f"after {_name(work)}"):
            return
        storage.timeline.at(end, partial(storage.process.happen, self._name, tell))


def _name(work: Callable[[], object]) -> str:
    """What it does: the function's name, whatever it is wrapped in."""
    while isinstance(work, partial):
        work = work.func
    return work.__qualname__.replace(".<locals>.<lambda>", "")


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
