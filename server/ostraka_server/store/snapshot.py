"""Snapshots: a checkpoint copied whole, and another node's copy taken in place of one's own. All of it blocks."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ostraka_server.store.errors import UNDERLYING, DamagedStore, named
from ostraka_server.store.schema import Owner, adopt
from ostraka_server.store.state import read_state

_PIECE_BYTES = 1 << 20


class Image(Protocol):
    """The bytes of a database, apart from the store. Whoever holds it is its only user. Raises OSError."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of [offset, offset + length), fewer where the image ends before."""

    def write(self, offset: int, data: bytes) -> None:
        """Replace or append [offset, offset + len(data))."""

    def sync(self) -> None:
        """Return once the bytes survive a crash."""

    def open(self) -> sqlite3.Connection:
        """As a database; what is committed is in the image once the connection is closed by `close`."""

    def close(self, connection: sqlite3.Connection) -> None:
        """End the use as a database."""

    def verify(self) -> int:
        """Check all of what is in it; the slot that it is the state after. Raises DamagedStore, StoreError."""

    def remove(self) -> None:
        """Be gone."""


class ImageSource(Protocol):
    """A store's factory, as far as it copies."""

    @property
    def name(self) -> str: ...

    def copy(self) -> Image:
        """A copy of the last checkpoint, written beside the store. Raises sqlite3.Error, OSError."""


class Snapshot(NamedTuple):
    """A copied checkpoint: the state after `slot`. Its bytes are known by their digest."""

    slot: int
    digest: bytes
    image: Image


def take(source: ImageSource) -> Snapshot:
    """Copy the last checkpoint and check the copy: damage does not spread. Any thread, also during flushes.

    Raises DamagedStore, StoreError, OSError."""
    try:
        image = source.copy()
    except UNDERLYING as error:
        raise named(source.name, error) from error
    try:
        return Snapshot(image.verify(), digest_of(image), image)
    except DamagedStore as damage:
        image.remove()
        raise DamagedStore(source.name, damage.detail) from damage


def digest_of(image: Image) -> bytes:
    """32 bytes that stand for all of the image."""
    digest = hashlib.sha256()
    for piece in _pieces(image):
        digest.update(piece)
    return digest.digest()


def complete(image: Image, digest: bytes, owner: Owner) -> bool:
    """Make a received image `owner`'s own, durably. False where its bytes are not what was sent.

    Raises ForeignStore for another cluster or group, UnknownStore for another format, StoreError.
    """
    if digest_of(image) != digest:
        return False
    try:
        connection = image.open()
        try:
            state, _ = read_state(connection, image.name)
            adopt(connection, image.name, owner, 0 if state is None else state.applied_slot)
        finally:
            image.close(connection)
    except UNDERLYING as error:
        raise named(image.name, error) from error
    image.sync()
    return True


def _pieces(image: Image) -> Iterator[bytes]:
    for offset in range(0, image.size, _PIECE_BYTES):
        yield image.read(offset, _PIECE_BYTES)
