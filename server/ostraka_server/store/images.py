"""Images of databases: in a file, and in memory."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


class FileImage:
    """See `snapshot.Image`: a file beside the store's. `fresh` empties it first."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.name = str(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if fresh else 0)
        self._descriptor = os.open(path, flags, 0o600)

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, memoryview(data)[written:], offset + written)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None)

    def close(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def remove(self) -> None:
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)


class MemoryImage:
    """See `snapshot.Image`."""

    def __init__(self, data: bytes = b"", *, name: str) -> None:
        self.name = name
        self.data = bytearray(data)

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.data[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self.data[offset : offset + len(data)] = data

    def sync(self) -> None:
        """Nothing to wait for: what holds it decides what survives."""

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.deserialize(bytes(self.data))
        return connection

    def close(self, connection: sqlite3.Connection) -> None:
        self.data = bytearray(connection.serialize())
        connection.close()

    def remove(self) -> None:
        self.data.clear()
