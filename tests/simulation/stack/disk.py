"""A simulated machine's disk: what outlives its processes, and what may go wrong with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from random import Random

from ostraka_server.log import MemoryDirectory
from ostraka_server.paxos.formation import Announcement

MiB = 1 << 20

IMAGES_KEPT = 5
"""A power loss may put a store back to one of so many flushes: flushes do not sync."""

PLENTY = 1 << 40

Images = dict[int, bytes]
"""Of the stores, by group."""


class Disk:
    """`slowness` multiplies what blocking work takes, by the runner's name."""

    def __init__(self) -> None:
        self.log = MemoryDirectory()
        self.record: Announcement | None = None
        """What the formation has recorded; None in an empty directory."""
        self.sightings: dict[str, int] = {}
        self.free_bytes = PLENTY
        self.slowness: dict[str, float] = {}
        self._images: deque[Images] = deque([{}], IMAGES_KEPT)

    @property
    def images(self) -> Images:
        """The stores as they are."""
        return self._images[-1]

    def flushed(self, images: Mapping[int, bytes]) -> None:
        """Some stores were written."""
        self._images.append({**self.images, **images})

    def saved(self, group: int, image: bytes) -> None:
        """This much of a store survives everything from here on."""
        self._images = deque([{**images, group: image} for images in self._images], IMAGES_KEPT)

    def lose_store(self, group: int) -> None:
        """Somebody removes a store's files."""
        kept = {number: image for number, image in self.images.items() if number != group}
        self._images = deque([kept], IMAGES_KEPT)

    def lose_power(self, random: Random) -> None:
        """What was not synced may be gone. Mere death of a process loses nothing that it wrote."""
        self.log.crash(random)
        kept = random.choice(self._images)
        self._images = deque([kept], IMAGES_KEPT)
