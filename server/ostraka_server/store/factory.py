"""Where a store's connections come from: a file in production, memory in the simulator."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from ostraka_server.store.images import FileImage, MemoryImage
from ostraka_server.store.snapshot import Image

_WAL_PAGES = 16_384
"""64 MiB of 4 KiB pages are gathered in the WAL before they are copied into the file: three busy flushes. To copy them
syncs both files, which the log's syncs on the same disk wait for, and a page that changed in each is copied once."""


class Connections(NamedTuple):
    """1. `writer` is used by one thread at a time, whichever; writing and WAL checkpoints are its alone.
    2. `reader` is used by the thread that opened it only, and sees each commit as soon as it is made.
    3. Both are in autocommit mode: transactions begin where the code says BEGIN.
    """

    writer: sqlite3.Connection
    reader: sqlite3.Connection


class ConnectionFactory(Protocol):
    """Opens one store, and keeps images beside it. `name` is what error messages call it."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int:
        """Bytes that a copy takes at most. Raises OSError."""

    def connect(self) -> Connections:
        """New connections. Raises sqlite3.Error."""

    def save(self, writer: sqlite3.Connection) -> bool:
        """Have all that was committed survive a power loss, without waiting for readers. False where one is in the way.
        Raises sqlite3.Error."""

    def copy(self) -> Image:
        """The last checkpoint, in an image of its own, in place of the last copy. Raises sqlite3.Error, OSError."""

    def clean(self) -> None:
        """Remove the images that an earlier process left behind. Raises OSError."""

    def receive(self) -> Image:
        """An empty image for what another node sends, in place of the last one. Raises OSError."""

    def set_aside(self) -> None:
        """Have no store any more, durably, but keep what there was, for whoever wants to see it. All connections are
        closed. Raises OSError."""

    def replace(self, image: Image) -> None:
        """Make an image of `receive`, which is synced, the store, durably. All connections are closed. Raises OSError,
        sqlite3.Error.

        Interrupted, it has left the old store or the new one."""


class FileFactory:
    """A file in WAL mode, so that a flush in one thread does not hold up reads in another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in (self._path, Path(f"{self._path}-wal")) if path.exists())

    def connect(self) -> Connections:
        writer = self._connect_writer()
        try:
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            return Connections(writer, sqlite3.connect(uri, uri=True, isolation_level=None))
        except BaseException:
            writer.close()
            raise

    def _connect_writer(self) -> sqlite3.Connection:
        # Each statement of a flush has its own number of rows and is worth keeping only if the next flush has it too.
        writer = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=8)
        try:
            _begin(writer)
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            writer.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        except BaseException:
            writer.close()
            raise
        return writer

    def save(self, writer: sqlite3.Connection) -> bool:
        # Passive: it copies what no reader still needs, and syncs the file if that was everything.
        busy, frames, copied = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and bool(frames == copied)

    def copy(self) -> FileImage:
        path = self._beside("copy")
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(path),))
        finally:
            connection.close()
        return FileImage(path)

    def clean(self) -> None:
        for what in ("copy", "copy-journal", "received", "received-journal"):
            self._beside(what).unlink(missing_ok=True)

    def receive(self) -> FileImage:
        image = FileImage(self._beside("received"))
        image.remove()
        return image

    def set_aside(self) -> None:
        damaged = self._beside("damaged")
        for part in ("-shm", "-wal", ""):  # in this order: a WAL left alone would be replayed into the next store
            with suppress(FileNotFoundError):
                os.rename(f"{self._path}{part}", f"{damaged}{part}")
        self._sync_directory()

    def replace(self, image: Image) -> None:
        for leftover in ("-wal", "-shm"):  # closing copied and removed them, unless it failed
            Path(f"{self._path}{leftover}").unlink(missing_ok=True)
        self._beside("received").rename(self._path)
        self._sync_directory()
        self._connect_writer().close()  # a copy has no WAL; giving it one syncs, and the loop opens it next

    def _sync_directory(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{what}")


class MemoryFactory:
    """A database in memory, which has neither a WAL nor a second connection: reader and writer are the same.

    For one thread. `image` is what `serialize` of an earlier factory gave, damaged or not. `saved` is given every image
    that has to survive a power loss.
    """

    def __init__(
        self,
        image: bytes | None = None,
        *,
        name: str = "(store in memory)",
        saved: Callable[[bytes], object] = lambda image: None,
    ) -> None:
        self._image = image
        self._saved = saved
        self._connection: sqlite3.Connection | None = None
        self.name = name

    def connect(self) -> Connections:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        if self._image:
            connection.deserialize(self._image)
        else:
            _begin(connection)
        self._connection = connection
        return Connections(connection, connection)

    @property
    def size(self) -> int:
        return len(self.serialize())

    def serialize(self) -> bytes:
        """The image of the database, open or about to be opened."""
        return self._connection.serialize() if self._connection is not None else self._image or b""

    def save(self, writer: sqlite3.Connection) -> bool:
        self._saved(writer.serialize())
        return True

    def copy(self) -> MemoryImage:
        return MemoryImage(self.serialize(), name=self.name)

    def clean(self) -> None:
        """Images end with their process."""

    def receive(self) -> MemoryImage:
        return MemoryImage(name=f"{self.name}, received")

    def set_aside(self) -> None:
        self._image = self._connection = None

    def replace(self, image: Image) -> None:
        self._image = image.read(0, image.size)
        self._connection = None
        self._saved(self._image)


def _begin(connection: sqlite3.Connection) -> None:
    """A new database can be shortened a few pages at a time. One that exists is left alone."""
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
