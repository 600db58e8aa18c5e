"""What can be wrong with a store. Every message names the store, what is wrong and what to do."""

from __future__ import annotations

import sqlite3

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PRIMARY_CODE = 0xFF  # the higher bits tell where it was noticed


class StoreError(Exception):
    """The store cannot be used; the replica must not go on with it."""


class DamagedStore(StoreError):
    """SQLite found that the file's bytes are not what it wrote."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(
            f"{name} is damaged ({detail}). It only holds what can be had again: with the node stopped, remove {name}, "
            f"{name}-wal and {name}-shm, and start the node again; it then rebuilds it from its log or the others"
        )


class UnknownStore(StoreError):
    """A store of another format, or a database that is no store at all."""


class ForeignStore(StoreError):
    """A store that belongs to another cluster, node or group."""


def named(name: str, error: sqlite3.Error) -> StoreError:
    """What SQLite reported about the store `name`, to be raised instead."""
    code = getattr(error, "sqlite_errorcode", 0)  # absent where Python's own module noticed it
    if code & _PRIMARY_CODE in _DAMAGED:
        return DamagedStore(name, str(error))
    return StoreError(f"{name} cannot be read or written: {error}")
