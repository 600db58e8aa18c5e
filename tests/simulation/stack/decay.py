"""What rots on a simulated disk that nobody uses: one thing in one file, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from ostraka_server.log.layout import DATA_AT, MARKS_AT, SECTOR, START_AT, blank_sector
from ostraka_server.log.manifest import unpack_manifest
from tests.simulation.stack.disk import Disk

ALL = 1 << 30
"""Bytes: more than any file has."""


class Target(StrEnum):
    """A kind of file, or part of one."""

    SEGMENT = "segment"
    MARK = "mark"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Decay:
    """`name`: the segment's, or the number of the group whose store it is. `after` is no longer than `before`."""

    target: Target
    name: str
    what: str
    before: bytes
    after: bytes

    def __str__(self) -> str:
        return f"{self.target} {self.name}: {self.what}"

    @property
    def culprit(self) -> str:
        """As whoever refuses it has to call it."""
        return f"group {self.name}" if self.target is Target.STORE else f"segment {int(self.name.partition('.')[0])}"

    def strike(self, disk: Disk) -> None:
        """Have it happen."""
        self._put(disk, self.after)

    def heal(self, disk: Disk) -> None:
        """As if by a miracle."""
        self._put(disk, self.before)

    def _put(self, disk: Disk, data: bytes) -> None:
        if self.target is Target.STORE:
            disk.images[int(self.name)] = data
            return
        file = disk.log.open(self.name)
        file.cut(0)
        file.write(0, data)
        file.sync()


def draw(disk: Disk, target: Target, random: Random) -> Decay:
    """A byte changed, a sector of zeros, or the end cut off, where there is something."""
    if target is Target.STORE:
        name = str(random.choice(sorted(disk.images)))
        before = disk.images[int(name)]
        used = [at for at in range(0, len(before), SECTOR) if any(before[at : at + SECTOR])]
    else:
        name = random.choice(disk.log.list())
        before = disk.log.open(name).read(0, ALL)
        used = _used(before, target)
    what, after = _damaged(before, random.choice(used) + random.randrange(SECTOR), random)
    return Decay(target, name, what, before, after)


def _damaged(before: bytes, at: int, random: Random) -> tuple[str, bytes]:
    after = bytearray(before)
    match random.choices(("flip", "zero", "cut"), (8, 1, 1))[0]:
        case "flip":
            after[at] ^= (mask := random.choice((1 << random.randrange(8), random.randrange(1, 256))))
            what = f"byte {at} changed by {mask:#04x}"
        case "zero":
            sector = at // SECTOR * SECTOR
            after[sector : sector + SECTOR] = bytes(SECTOR)
            what = f"sector at {sector} reads as zeros"
        case _:
            del after[at:]
            what = f"cut at {at}"
    return what, bytes(after)


def _used(segment: bytes, target: Target) -> list[int]:
    """The sectors that something was written to, of a segment's marks or of the rest of it."""
    unused = (bytes(SECTOR), blank_sector(unpack_manifest(segment, START_AT).chain))
    sectors = (at for at in range(0, len(segment), SECTOR) if segment[at : at + SECTOR] not in unused)
    return [at for at in sectors if (MARKS_AT[0] <= at < DATA_AT) == (target is Target.MARK)]
