"""Images of databases: in a file, and in memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostraka_server.store.verification import verify, verify_file


class FileImage:
    """See `snapshot.Image`: a file beside the store's, opened for each use only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        with self._opened(os.O_RDONLY) as descriptor:
            return os.pread(descriptor, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        with self._opened(os.O_RDWR | os.O_CREAT) as descriptor:
            written = 0
            while written < len(data):
                written += os.pwrite(descriptor, memoryview(data)[written:], offset + written)

    def sync(self) -> None:
        with self._opened(os.O_RDWR) as descriptor:
            os.fsync(descriptor)

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None)

    def close(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def verify(self) -> int:
        return verify_file(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        descriptor = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


class MemoryImage:
    """See `snapshot.Image`."""

    def __init__(self, data: bytes = b"", *, name: str) -> None:
        self.name = name
        self._data = bytearray(data)

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._data[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self._data[offset : offset + len(data)] = data

    def sync(self) -> None:
        """Nothing to wait for: what holds it decides what survives."""

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        if self._data:  # else it is an empty database, as an empty file is one
            connection.deserialize(bytes(self._data))
        return connection

    def close(self, connection: sqlite3.Connection) -> None:
        self._data = bytearray(connection.serialize())
        connection.close()

    def verify(self) -> int:
        connection = self.open()
        try:
            return verify(connection, self.name)
        finally:
            connection.close()

    def remove(self) -> None:
        self._data.clear()
