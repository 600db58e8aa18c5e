"""What a flush writes of the present: rows and records."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from ostraka_server.store.checksums import COLUMNS, RowFields, Total, record_crc, sealed
from ostraka_server.store.statements import credible, insert, parts


def write_rows(
    connection: sqlite3.Connection, changes: Mapping[bytes, RowFields | None], before: Total, name: str
) -> Total:
    """Put and delete current rows; what the rows of `kv`, which were `before`, add up to now. Raises DamagedStore.

    By ascending key, so that neighbours meet in the same page."""
    keys = sorted(changes)
    replaced, written = _total_of(connection, "kv", keys, name), Total()
    for part in parts([row for key in keys if (row := changes[key]) is not None]):
        cells = sealed(part)
        written = written.plus(_sum_of(cells))
        insert(
            connection,
            f"INSERT INTO kv ({COLUMNS})",
            cells,
            """ON CONFLICT (key) DO UPDATE SET value = excluded.value, create_revision = excluded.create_revision,
            mod_revision = excluded.mod_revision, version = excluded.version, value_crc = excluded.value_crc,
            crc = excluded.crc""",
        )
    _delete(connection, "kv", [key for key in keys if changes[key] is None])
    return before.less(replaced).plus(written)


def write_records(
    connection: sqlite3.Connection, records: Mapping[bytes, bytes | None], before: Total, name: str
) -> Total:
    """Put and delete records; what all of them, which were `before`, add up to now. Raises DamagedStore."""
    names = sorted(records)
    replaced, written = _total_of(connection, "record", names, name), Total()
    for part in parts([(each, value) for each in names if (value := records[each]) is not None]):
        cells = [(each, value, record_crc(each, value)) for each, value in part]
        written = written.plus(_sum_of(cells))
        insert(connection, "INSERT OR REPLACE INTO record (name, value, crc)", cells)
    _delete(connection, "record", [each for each in names if records[each] is None])
    return before.less(replaced).plus(written)


_NAMED = {"kv": "key", "record": "name"}


def _total_of(connection: sqlite3.Connection, table: str, keys: Sequence[bytes], name: str) -> Total:
    """Of the rows that exist, by ascending key: about to be written or deleted, they are read in the same order.

    Raises DamagedStore where the store `name` gives them CRCs that no rows can have; others are not checked."""
    total = Total()
    for part in parts(keys):
        marks = ", ".join("?" * len(part))
        query = f"SELECT count(*), coalesce(sum(crc), 0) FROM {table} WHERE {_NAMED[table]} IN ({marks})"
        found = connection.execute(query, tuple(part)).fetchone()
        total = total.plus(credible(found, name))
    return total


def _delete(connection: sqlite3.Connection, table: str, keys: Sequence[bytes]) -> None:
    """Keys that are not there are no error: they came and went between two flushes."""
    for part in parts(keys):
        marks = ", ".join("?" * len(part))
        connection.execute(f"DELETE FROM {table} WHERE {_NAMED[table]} IN ({marks})", tuple(part))


def _sum_of(cells: Sequence[tuple[Any, ...]]) -> Total:
    return Total(len(cells), sum([cell[-1] for cell in cells]))
