"""Where a store's connections come from: a file in production, memory in the simulator."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple, Protocol

_WAL_PAGES = 4096
"""16 MiB of 4 KiB pages are gathered in the WAL before they are copied into the file."""


class Connections(NamedTuple):
    """1. `writer` is used by one thread at a time, whichever; writing and WAL checkpoints are its alone.
    2. `reader` is used by the thread that opened it only, and sees each commit as soon as it is made.
    3. Both are in autocommit mode: transactions begin where the code says BEGIN.
    """

    writer: sqlite3.Connection
    reader: sqlite3.Connection


class ConnectionFactory(Protocol):
    """Opens one store. `name` is what error messages call it."""

    @property
    def name(self) -> str: ...

    def connect(self) -> Connections:
        """New connections. Raises sqlite3.Error."""


class FileFactory:
    """A file in WAL mode, so that a flush in one thread does not hold up reads in another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def connect(self) -> Connections:
        # Each statement of a flush has its own number of rows and is worth keeping only if the next flush has it too.
        writer = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=8)
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            writer.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            return Connections(writer, sqlite3.connect(uri, uri=True, isolation_level=None))
        except BaseException:
            writer.close()
            raise


class MemoryFactory:
    """A database in memory, which has neither a WAL nor a second connection: reader and writer are the same.

    For one thread. `image` is what `serialize` of an earlier factory gave, damaged or not.
    """

    def __init__(self, image: bytes | None = None, *, name: str = "(store in memory)") -> None:
        self._image = image
        self._connection: sqlite3.Connection | None = None
        self.name = name

    def connect(self) -> Connections:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        if self._image:
            connection.deserialize(self._image)
        self._connection = connection
        return Connections(connection, connection)

    def serialize(self) -> bytes:
        """The image of the open database."""
        assert self._connection is not None, "not connected"
        return self._connection.serialize()
