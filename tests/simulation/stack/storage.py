"""A simulated machine's disk, and what one process sees of it (see `hosting.Storage`)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TypeVar

from ostraka_server.log import MemoryDirectory
from ostraka_server.store import MemoryFactory
from tests.simulation.stack.process import Process

T = TypeVar("T")

SYNC_S = 0.0005
"""What blocking work takes on average, unless the disk is made slower."""

IMAGES_KEPT = 5
"""A power loss may put a store back to one of so many flushes: flushes do not sync."""

Images = dict[int, bytes]
"""Of the stores, by group."""


class Disk:
    """Outlives processes. `slowness` multiplies what blocking work takes, by the runner's name."""

    def __init__(self, random: Random) -> None:
        self.log = MemoryDirectory()
        self.slowness: dict[str, float] = {}
        self._random = random
        self._images: deque[Images] = deque([{}], IMAGES_KEPT)

    @property
    def images(self) -> Images:
        """The stores as they are."""
        return self._images[-1]

    def flushed(self, images: Images) -> None:
        """Some store was written."""
        self._images.append(images)

    def saved(self, group: int, image: bytes) -> None:
        """This much of a store survives everything from here on."""
        self._images = deque([{**images, group: image} for images in self._images], IMAGES_KEPT)

    def lose_store(self, group: int) -> None:
        """Somebody removes a store's files."""
        kept = {number: image for number, image in self.images.items() if number != group}
        self._images = deque([kept], IMAGES_KEPT)

    def lose_power(self) -> None:
        """What was not synced may be gone. Mere death of a process loses nothing that it wrote."""
        self.log.crash(self._random)
        kept = self._random.choice(self._images)
        self._images = deque([kept], IMAGES_KEPT)


class ProcessStorage:
    """A disk as one process uses it."""

    def __init__(self, disk: Disk, process: Process, random: Random) -> None:
        self._disk = disk
        self._process = process
        self._random = random
        self._stores: dict[int, MemoryFactory] = {}

    def log(self) -> MemoryDirectory:
        return self._disk.log

    def store(self, group: int) -> MemoryFactory:
        image, name = self._disk.images.get(group), f"group {group}"
        factory = MemoryFactory(image, name=name, saved=lambda image: self._disk.saved(group, image))
        self._stores[group] = factory
        return factory

    def runner(self, name: str) -> ProcessRunner:
        return ProcessRunner(name, self)

    async def work(self, name: str, work: Callable[[], T]) -> T:
        """Do it at some moment of the time that it takes: a crash finds it done or not."""
        clock, random = self._process.clock, self._random
        duration = random.expovariate(1 / SYNC_S) * self._disk.slowness.get(name, 1.0)
        before = duration * random.random()
        await clock.sleep(before)
        result = work()
        if name == "store":
            self._disk.flushed({group: factory.serialize() for group, factory in self._stores.items()})
        await clock.sleep(duration - before)
        return result

    def start(self, name: str, work: Callable[[], T]) -> asyncio.Task[T]:
        """The same, beyond the reach of whoever cancels the caller: a thread cannot be cancelled either."""
        return self._process.start(self.work(name, work))


class ProcessRunner:
    """See `shard.seams.Runner`."""

    def __init__(self, name: str, storage: ProcessStorage) -> None:
        self._name = name
        self._storage = storage
        self._one_at_a_time = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        async with self._one_at_a_time:
            return await asyncio.shield(self._storage.start(self._name, work))

    def close(self) -> None:
        """There is no thread to let go of."""
