"""What can be wrong with a store. Every message names the store, what is wrong and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The last one speaks of the statement, and the statements do not change: so it is the schema that did."""
_PRIMARY_CODE = 0xFF  # the higher bits tell where it was noticed


UNDERLYING = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises where a store cannot be read or written; the second quotes damaged text. `named` translates it."""


class StoreError(Exception):
    """The store cannot be used; the replica must not go on with it."""


class DamagedStore(StoreError):
    """What is read is not what was written. `detail`: what exactly."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(
            f"{name} is damaged ({detail}). It only holds what can be had again: the replica takes it for lost and "
            "rebuilds it from its log or from the other replicas"
        )
        self.detail = detail


class UnknownStore(StoreError):
    """A store of another format, or a database that is no store at all."""


class ForeignStore(StoreError):
    """A store that belongs to another cluster, node or group."""


def named(name: str, error: sqlite3.Error | UnicodeDecodeError) -> StoreError:
    """What SQLite reported about the store `name`, to be raised instead; in words that quote damaged text, perhaps."""
    if isinstance(error, UnicodeDecodeError):
        return DamagedStore(name, str(error))
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & _PRIMARY_CODE in _DAMAGED:
        return DamagedStore(name, str(error))
    if code is None and isinstance(error, sqlite3.OperationalError):  # Python's own: text that is no UTF-8
        return DamagedStore(name, str(error))
    return StoreError(f"{name} cannot be read or written: {error}")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """What SQLite reports within is raised by `named`."""
    try:
        yield
    except UNDERLYING as error:
        raise named(name, error) from error
