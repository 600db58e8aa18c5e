"""The checkpoint of one group's state machine. The log makes writes durable; this spares redoing it all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self

from ostraka_server.store.checksums import ROW, ROW_WITHOUT_VALUE, RowFields, checked
from ostraka_server.store.errors import UNDERLYING, named
from ostraka_server.store.factory import ConnectionFactory, Connections
from ostraka_server.store.flush import delete_keys, total_of, upsert_rows
from ostraka_server.store.schema import Owner, installed_slot, prepare
from ostraka_server.store.state import STATE, StoredState, checked_state, read_state, write_state
from ostraka_server.store.verification import verify


class Delta(Protocol):
    """What `machine.Delta` carries: rows by key, None where the key was deleted, and the state after all of it."""

    @property
    def changes(self) -> Mapping[bytes, RowFields | None]: ...

    @property
    def state(self) -> tuple[int, int, bytes]: ...


class Store:
    """An open checkpoint: the `machine.Base` that reads come from, and where flushes go.

    `write`, `checkpoint` and `close_writer` may be called from any thread, one call at a time. Everything else belongs
    to the thread that opened the store, and goes on meanwhile. Every method raises StoreError (DamagedStore where the
    bytes are at fault).
    """

    def __init__(self, factory: ConnectionFactory, connections: Connections) -> None:
        """Use `open`."""
        self._factory = factory
        self._name = factory.name
        self._writer, self._reader = connections

    @classmethod
    def open(cls, factory: ConnectionFactory, owner: Owner, *, verified: bool = False) -> Self:
        """Open the store of `owner`, creating it where there is none. All of it is read and checked, unless it has just
        been `verified`.

        Raises UnknownStore (another format) and ForeignStore (another owner), both naming the store, and StoreError.
        """
        try:
            connections = factory.connect()
        except UNDERLYING as error:
            raise named(factory.name, error) from error
        store = cls(factory, connections)
        try:
            prepare(connections.writer, factory.name, owner)
            if not verified:
                verify(connections.reader, factory.name)
        except BaseException as error:
            store.close()
            if isinstance(error, UNDERLYING):
                raise named(factory.name, error) from error
            raise
        return store

    def state(self) -> StoredState | None:
        """As of the last write; None if there was none yet."""
        try:
            return read_state(self._reader, self._name)[0]
        except UNDERLYING as error:
            raise named(self._name, error) from error

    def installed_slot(self) -> int:
        """The slot of the snapshot that it began as; 0 where it began empty."""
        try:
            return installed_slot(self._reader)
        except UNDERLYING as error:
            raise named(self._name, error) from error

    def get(self, key: bytes) -> RowFields | None:
        """The row of `key`, if it exists."""
        row = self._one(f"SELECT {ROW} FROM kv WHERE key = ?", (key,))
        return None if row is None else checked(row, self._name)

    @contextmanager
    def scan(self, start: bytes, end: bytes | None, *, values: bool) -> Iterator[Iterator[RowFields]]:
        """Rows of `[start, end)`, ascending, of one checkpoint. `end` None: no end. Empty values unless `values`."""
        where, bounds = _between(start, end)
        query = f"SELECT {ROW if values else ROW_WITHOUT_VALUE} FROM kv WHERE {where} ORDER BY key"
        try:
            cursor = self._reader.execute(query, bounds)
            try:
                yield (checked(row, self._name, with_value=values) for row in cursor)
            finally:
                cursor.close()  # an open cursor would hold this connection, and the WAL, at its checkpoint
        except UNDERLYING as error:
            raise named(self._name, error) from error

    def count(self, start: bytes, end: bytes | None) -> tuple[int, int]:
        """Keys of `[start, end)`, and the applied slot of the checkpoint that was counted (0: nothing written yet)."""
        where, bounds = _between(start, end)
        row = self._one(f"SELECT (SELECT count(*) FROM kv WHERE {where}), {STATE} FROM state", bounds)
        if row is None:
            return 0, 0
        state, _ = checked_state(row[1:], self._name)
        return row[0], state.applied_slot

    def write(self, delta: Delta) -> None:
        """Make `delta` the new checkpoint: all of it or, when this raises, nothing. Not synced: the log redoes it."""
        changes = delta.changes
        keys = sorted(changes)
        try:
            with _transaction(self._writer) as connection:
                _, before = read_state(connection, self._name)
                replaced = total_of(connection, keys, self._name)
                written = upsert_rows(connection, [row for key in keys if (row := changes[key]) is not None])
                delete_keys(connection, [key for key in keys if changes[key] is None])
                write_state(connection, StoredState(*delta.state), before.changed(less=replaced, plus=written))
        except UNDERLYING as error:
            raise named(self._name, error) from error

    def checkpoint(self) -> int | None:
        """Make all that was written durable; the applied slot that is so now. None where a reader was in the way."""
        try:
            state, _ = read_state(self._writer, self._name)
            durable = self._factory.save(self._writer)
        except UNDERLYING as error:
            raise named(self._name, error) from error
        return (0 if state is None else state.applied_slot) if durable else None

    def close(self) -> None:
        """Not while a write is under way. Copies what is left in the WAL into the file."""
        self.close_reader()  # first: the last connection to close does the copying, and this one may not write
        self.close_writer()

    def close_reader(self) -> None:
        """The first half of `close`, which takes no time."""
        if self._reader is not self._writer:
            self._reader.close()

    def close_writer(self) -> None:
        """The second half of `close`, which may."""
        self._writer.close()

    def _one(self, query: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._reader.execute(query, parameters).fetchone()
        except UNDERLYING as error:
            raise named(self._name, error) from error
        return row


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _between(start: bytes, end: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    return ("key >= ?", (start,)) if end is None else ("key >= ? AND key < ?", (start, end))
