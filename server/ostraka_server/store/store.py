"""The checkpoint of one group's state machine. The log makes writes durable; this spares redoing it all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol, Self

from ostraka_server.shadow import shadow
from ostraka_server.store import past
from ostraka_server.store.checksums import (
    BATCH_ROWS,
    COLUMNS,
    KEY_COLUMNS,
    RECORD,
    PastFields,
    RowFields,
    all_checked,
    checked,
    checked_record,
)
from ostraka_server.store.errors import UNDERLYING, named, naming
from ostraka_server.store.factory import ConnectionFactory, Connections
from ostraka_server.store.flush import write_records, write_rows
from ostraka_server.store.reclamation import reclaim
from ostraka_server.store.runs import append_past
from ostraka_server.store.schema import Owner, installed_slot, prepare
from ostraka_server.store.state import STATE, StoredState, Totals, checked_state, read_state, write_state
from ostraka_server.store.transaction import reading, transaction
from ostraka_server.store.verification import verify


class Delta(Protocol):
    """What `machine.Delta` carries: rows by key, None where the key was deleted; the rows that ended; records by name,
    None where one is gone; and the state after all of it."""

    @property
    def changes(self) -> Mapping[bytes, RowFields | None]: ...

    @property
    def past(self) -> Sequence[PastFields]: ...

    @property
    def records(self) -> Mapping[bytes, bytes | None]: ...

    @property
    def state(self) -> tuple[int, int, bytes]: ...


class Store:
    """An open checkpoint: the `machine.Base` that reads come from, and where flushes go.

    `write`, `reclaim`, `checkpoint` and `close_writer` may be called from any thread, one call at a time. Everything
    else belongs to the thread that opened the store, and goes on meanwhile. Every method raises StoreError
    (DamagedStore where the bytes are at fault).
    """

    def __init__(self, factory: ConnectionFactory, connections: Connections) -> None:
        """Use `open`."""
        self._factory = factory
        self._name = factory.name
        self._writer, self._reader = connections
        self.past_rows = 0
        """Of the last checkpoint."""

    @classmethod
    def open(cls, factory: ConnectionFactory, owner: Owner, *, verified: bool = False) -> Self:
        """Open the store of `owner`, creating it where there is none. All of it is read and checked, unless it has just
        been `verified`.

        Raises UnknownStore (another format) and ForeignStore (another owner), both naming the store, and StoreError.
        """
        with naming(factory.name):
            connections = factory.connect()
        store = cls(factory, connections)
        try:
            with naming(factory.name):
                prepare(connections.writer, factory.name, owner)
                store.past_rows = read_state(connections.writer, factory.name)[1].past.rows
            if not verified:
                verify(connections.reader, factory.name)
        except BaseException:
            store.close()
            raise
        return store

    def state(self) -> StoredState | None:
        """As of the last write; None if there was none yet."""
        with naming(self._name):
            return read_state(self._reader, self._name)[0]

    def installed_slot(self) -> int:
        """The slot of the snapshot that it began as; 0 where it began empty."""
        with naming(self._name):
            return installed_slot(self._reader)

    def records(self) -> Mapping[bytes, bytes]:
        """All records, by name."""
        with naming(self._name):
            rows = self._reader.execute(f"SELECT {RECORD} FROM record ORDER BY name").fetchall()
        return dict(checked_record(row, self._name) for row in rows)

    def get(self, key: bytes) -> RowFields | None:
        """The row of `key`, if it exists."""
        row = self._one(f"SELECT {COLUMNS} FROM kv WHERE key = :key", {"key": key})
        return None if row is None else checked(row, self._name)

    def get_at(self, key: bytes, revision: int) -> RowFields | None:
        """The row of `key` as of `revision`, if it existed then."""
        row = self.get(key)
        if row is not None and row[3] <= revision:
            return row
        with naming(self._name):
            return past.find(self._reader, key, revision, self._name)

    @contextmanager
    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Sequence[RowFields]]]:
        """Rows of `[start, end)`, ascending or `descending`, of one checkpoint, in batches. `end` None: no end. Empty
        values unless `values`."""
        where, bounds = _between(start, end)
        with naming(self._name), self._current(where, bounds, values=values, descending=descending) as batches:
            yield batches

    @contextmanager
    def scan_at(
        self, start: bytes, end: bytes | None, revision: int, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Sequence[RowFields]]]:
        """Rows of `[start, end)` as of `revision`, else like `scan`."""
        where, bounds = _between(start, end)
        bounds["revision"] = revision
        at = f"{where} AND mod_revision <= :revision"
        with (
            naming(self._name),
            reading(self._reader),
            self._current(at, bounds, values=values, descending=descending) as current,
            past.scan(self._reader, start, end, revision, self._name, descending=descending) as ended,
        ):
            ended_too = ((row[0], row if values else (row[0], b"", *row[2:])) for row in ended)
            yield shadow(ended_too, current, descending=descending)

    def count(self, start: bytes, end: bytes | None) -> tuple[int, int]:
        """Keys of `[start, end)`, and the applied slot of the checkpoint that was counted (0: nothing written yet)."""
        where, bounds = _between(start, end)
        return self._count(f"SELECT count(*) FROM kv WHERE {where}", bounds)

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        """The key of `[start, end)` that has so many keys of it before it, at least one; None where there is none."""
        where, bounds = _between(start, end)
        query = f"SELECT key FROM kv WHERE {where} ORDER BY key LIMIT 1 OFFSET :keys"
        row = self._one(query, {**bounds, "keys": keys})
        # Damage may have put it anywhere; whoever goes on from it must come nearer to the end.
        return row[0] if row is not None and start < row[0] else None

    def count_at(self, start: bytes, end: bytes | None, revision: int) -> tuple[int, int]:
        """Keys of `[start, end)` that existed at `revision`, else like `count`."""
        where, bounds = _between(start, end)
        query = f"SELECT count(*) FROM kv WHERE {where} AND mod_revision <= :revision"
        with naming(self._name), reading(self._reader):
            current, slot = self._count(query, {**bounds, "revision": revision})
            return current + past.count(self._reader, start, end, revision, self._name), slot

    def write(self, delta: Delta) -> None:
        """Make `delta` the new checkpoint: all of it or, when this raises, nothing. Not synced: the log redoes it.

        Nothing is left to do where it is the checkpoint already."""
        after = StoredState(*delta.state)
        with naming(self._name), transaction(self._writer) as connection:
            state, before = read_state(connection, self._name)
            if state is not None and state.applied_slot >= after.applied_slot:
                return
            totals = Totals(
                write_rows(connection, delta.changes, before.kv, self._name),
                append_past(connection, delta.past, before.past, self._name),
                write_records(connection, delta.records, before.record, self._name),
            )
            write_state(connection, after, totals)
        self.past_rows = totals.past.rows

    def reclaim(self, compact_revision: int, blocks_max: int) -> bool:
        """One bite of removing what ended by `compact_revision`, which the last checkpoint has to know: so many blocks
        of rows at most, and a few free pages are given back to the file system. Whether there is more to do."""
        with naming(self._name):
            more = reclaim(self._writer, compact_revision, blocks_max, self._name)
            self.past_rows = read_state(self._writer, self._name)[1].past.rows
        return more

    def checkpoint(self) -> int | None:
        """Make all that was written durable; the applied slot that is so now. None where a reader was in the way."""
        with naming(self._name):
            state, _ = read_state(self._writer, self._name)
            durable = self._factory.save(self._writer)
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

    @contextmanager
    def _current(
        self, where: str, bounds: dict[str, Any], *, values: bool, descending: bool
    ) -> Iterator[Iterator[Sequence[RowFields]]]:
        columns, order = COLUMNS if values else KEY_COLUMNS, "DESC" if descending else "ASC"
        query = f"SELECT {columns} FROM kv WHERE {where} ORDER BY key {order}"
        # An open cursor would hold this connection, and the WAL, at its checkpoint.
        with closing(self._reader.execute(query, bounds)) as cursor:
            yield (all_checked(rows, self._name, with_value=values) for rows in _batches(cursor))

    def _count(self, query: str, bounds: dict[str, Any]) -> tuple[int, int]:
        row = self._one(f"SELECT ({query}), {STATE} FROM state", bounds)
        if row is None:
            return 0, 0
        state, _ = checked_state(row[1:], self._name)
        return row[0], state.applied_slot

    def _one(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:  # not `naming`, which takes as long as the rest
            row: tuple[Any, ...] | None = self._reader.execute(query, parameters).fetchone()
        except UNDERLYING as error:
            raise named(self._name, error) from error
        return row


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    """Ever more rows at a time: who wants a few pays for few, and half of what was read was wanted."""
    size = 1
    while rows := cursor.fetchmany(size):
        yield rows
        size = min(2 * size, BATCH_ROWS)


def _between(start: bytes, end: bytes | None) -> tuple[str, dict[str, Any]]:
    where = "key >= :start" if end is None else "key >= :start AND key < :end"
    return where, {"start": start, "end": end}
