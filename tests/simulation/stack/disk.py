"""A simulated machine's disk: what outlives its processes, and what may go wrong with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from random import Random

from ostraka_server.log import MemoryDirectory
from ostraka_server.log.layout import DATA_AT, SECTOR, START_AT, blank_sector
from ostraka_server.log.manifest import unpack_manifest
from ostraka_server.paxos.formation import Announcement

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

    def decay_store(self, group: int, flips: int, random: Random) -> int:
        """Invert so many bits of a store's file; how many there were to invert."""
        image = bytearray(self.images.get(group, b""))
        if not image:
            return 0
        for _ in range(flips):
            place = random.randrange(8 * len(image))
            image[place // 8] ^= 1 << place % 8
        self._images = deque([{**self.images, group: bytes(image)}], IMAGES_KEPT)
        return flips

    def lose_power(self, random: Random) -> None:
        """What was not synced may be gone. Mere death of a process loses nothing that it wrote."""
        self.log.crash(random)
        kept = random.choice(self._images)
        self._images = deque([kept], IMAGES_KEPT)

    def written(self) -> list[tuple[str, int]]:
        """The sectors of the log that hold something: file and offset."""
        found = []
        for name in self.log.list():
            data = self.log.open(name).read(0, 1 << 30)
            empty = (bytes(SECTOR), blank_sector(unpack_manifest(data, START_AT).chain))
            found += [(name, at) for at in range(DATA_AT, len(data), SECTOR) if data[at : at + SECTOR] not in empty]
        return found

    def fill(self, free_bytes: int) -> None:
        """So much is left: what takes more fails."""
        self.free_bytes = self.log.room = free_bytes

    def copy(self) -> Disk:
        """A copy of what is durable on it, as a backup has it."""
        other = Disk()
        other.log, other.record, other.sightings = self.log.copy(), self.record, dict(self.sightings)
        other._images = deque([self.images], IMAGES_KEPT)
        return other
