"""The files in memory, with everything that a disk may do to them. Deterministic: chance comes in as an argument.

The model: a sector (512 bytes) is written whole or not at all. A crash keeps any subset of the sectors written since
the last sync, and of the directory's changes since its last sync the first few (journaling file systems keep their
order). A sync that fails loses what it should have saved, while reads go on showing it.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ENOSPC
from random import Random
from zlib import crc32

from ostraka_server.log.files import File
from ostraka_server.log.layout import SECTOR

LOST = 1 << 62
"""Where a write strays to that reaches no sector at all."""

_Names = dict[str, "MemoryFile"]


class MemoryFile:
    """A `File` that knows which of its bytes would survive."""

    def __init__(self, directory: MemoryDirectory, size: int) -> None:
        self._directory = directory
        self._seen = bytearray(size)
        self._durable = bytearray(size)
        self._unsynced: list[tuple[int, int]] = []

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._seen[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self._directory._step()
        self._directory.checksum = crc32(data, self._directory.checksum)
        if strayed := self._directory._stray():
            if strayed == LOST:
                return
            offset = max(0, min(offset + strayed, len(self._seen) - len(data)))
        end = offset + len(data)
        if end > len(self._seen):
            self._seen.extend(bytes(end - len(self._seen)))
        self._seen[offset:end] = data
        self._unsynced.append((offset, end))

    def sync(self) -> None:
        try:
            self._directory._step()
        except OSError:
            self._unsynced.clear()
            raise
        for start, end in self._unsynced:
            self._keep(start, end)
        self._unsynced.clear()

    def close(self) -> None:
        """Nothing to let go of: the file stays in its directory."""

    def flip(self, offset: int, mask: int) -> None:
        """Invert the bits of `mask` in one byte, on the disk and in what is read."""
        self._seen[offset] ^= mask
        self._durable[offset] ^= mask

    def cut(self, size: int) -> None:
        """Make the file end at `size`."""
        del self._seen[size:]
        del self._durable[size:]

    def _keep(self, start: int, end: int) -> None:
        if end > len(self._durable):
            self._durable.extend(bytes(end - len(self._durable)))
        self._durable[start:end] = self._seen[start:end]

    def _crash(self, random: Random) -> None:
        sectors = {s for start, end in self._unsynced for s in range(start // SECTOR, -(-end // SECTOR))}
        kept = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for sector in sorted(sectors):
            if random.random() < kept:
                self._keep(sector * SECTOR, min((sector + 1) * SECTOR, len(self._seen)))
        self._seen = bytearray(self._durable)
        self._unsynced.clear()


class MemoryDirectory:
    """A `Directory` that can crash and fail. Files opened before a crash are not to be used after it."""

    def __init__(self) -> None:
        self._seen: _Names = {}
        self._durable: _Names = {}
        self._unsynced: list[Callable[[_Names], object]] = []
        self._failure: tuple[int, Exception] | None = None
        self.steps = 0
        """How many changes and syncs, of files and of the directory, were asked for."""
        self.checksum = 0
        """CRC-32 of all that was written, in order."""
        self.room = 1 << 60
        """Bytes that files still to be created may take: beyond them creation fails as on a full disk."""
        self._strays: tuple[int, int] | None = None

    def list(self) -> list[str]:
        return sorted(self._seen)

    def create(self, name: str, size: int) -> File:
        if name in self._seen:
            raise FileExistsError(name)
        if size > self.room:
            raise OSError(ENOSPC, "no space left on the disk", name)
        file = MemoryFile(self, size)
        self._change(lambda names: names.__setitem__(name, file))
        return file

    def open(self, name: str) -> MemoryFile:
        if name not in self._seen:
            raise FileNotFoundError(name)
        return self._seen[name]

    def rename(self, old: str, new: str) -> None:
        self.open(old)
        self._change(lambda names: names.__setitem__(new, names.pop(old)))

    def remove(self, name: str) -> None:
        self.open(name)
        self._change(lambda names: names.pop(name))

    def sync(self) -> None:
        self._step()
        self._durable = dict(self._seen)
        self._unsynced.clear()

    def crash(self, random: Random) -> None:
        """Lose power: of all that is not synced only a random part remains."""
        for change in self._unsynced[: random.randint(0, len(self._unsynced))]:
            change(self._durable)
        self._unsynced.clear()
        self._seen = dict(self._durable)
        for name in sorted(self._seen):
            self._seen[name]._crash(random)
        self._failure = None

    def fail(self, step: int, error: Exception) -> None:
        """Raise `error` instead of doing the step-th change or sync from now on, counted from 1.

        An OSError is the disk's answer, and a sync that gives it has lost what it was to save. Any other exception
        stands for the process ending there: what was written before stays unsynced until `crash`.
        """
        self._failure = (self.steps + step, error)

    def stray(self, write: int, by: int) -> None:
        """The write-th write from now on, counted from 1, lands `by` bytes away (or nowhere, for LOST), and nobody is
        told. It stays within its file."""
        self._strays = (write, by)

    def heal(self) -> None:
        """Whatever was to go wrong will not."""
        self._failure = self._strays = None

    def copy(self) -> MemoryDirectory:
        """Another disk that holds what would survive a power loss now, if all that is in doubt were lost."""
        other = MemoryDirectory()
        for name in sorted(self._durable):
            copied = MemoryFile(other, 0)
            copied._durable = bytearray(self._durable[name]._durable)
            copied._seen = bytearray(copied._durable)
            other._durable[name] = other._seen[name] = copied
        return other

    def _stray(self) -> int:
        if self._strays is None:
            return 0
        write, by = self._strays
        self._strays = None if write == 1 else (write - 1, by)
        return by if write == 1 else 0

    def _change(self, change: Callable[[_Names], object]) -> None:
        self._step()
        change(self._seen)
        self._unsynced.append(change)

    def _step(self) -> None:
        self.steps += 1
        if self._failure is not None and self.steps == self._failure[0]:
            raise self._failure[1]
