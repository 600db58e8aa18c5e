"""Statements that write many rows at a time.

Not for fewer calls but for the interpreter's lock: it is released while a statement runs and wanted back after it, and
a busy loop thread gives it back after 5 ms only. At a row a statement (`executemany`) a flush of 10,000 rows next to a
busy loop was measured to take 15 s, so written 0.4 s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar
from zlib import crc32

from ostraka_server.store.checksums import RowFields, Total, row_crc
from ostraka_server.store.errors import DamagedStore

T = TypeVar("T")

ROWS_MAX = 1024
"""Rows a statement: seven parameters each, of which SQLite takes 32,766. More rows were measured to gain nothing."""


def total_of(connection: sqlite3.Connection, keys: Sequence[bytes], name: str) -> Total:
    """Of the rows that exist, by ascending key: about to be written or deleted, they are read in the same order.

    Raises DamagedStore where the store `name` gives them CRCs that no rows can have; others are not checked."""
    total = Total(0, 0)
    for part in _parts(keys):
        marks = ", ".join("?" * len(part))
        query = f"SELECT count(*), coalesce(sum(crc), 0) FROM kv WHERE key IN ({marks})"
        rows, crcs = connection.execute(query, tuple(part)).fetchone()
        if not isinstance(crcs, int) or not 0 <= crcs <= rows * 0xFFFFFFFF:
            raise DamagedStore(name, "the rows to be replaced are not as they were written")
        total = Total(total.rows + rows, total.crcs + crcs)
    return total


def upsert_rows(connection: sqlite3.Connection, rows: Sequence[RowFields]) -> Total:
    """Rows by ascending key, so that neighbours meet in the same page; what they add up to."""
    crcs = 0
    for part in _parts(rows):
        cells = [_with_crcs(row) for row in part]
        crcs += sum(cell[-1] for cell in cells)
        values = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(part))
        connection.execute(
            f"""INSERT INTO kv (key, value, create_revision, mod_revision, version, value_crc, crc) VALUES {values}
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, create_revision = excluded.create_revision,
            mod_revision = excluded.mod_revision, version = excluded.version, value_crc = excluded.value_crc,
            crc = excluded.crc""",
            tuple(chain.from_iterable(cells)),
        )
    return Total(len(rows), crcs)


def delete_keys(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Keys that are not there are no error: they came and went between two flushes."""
    for part in _parts(keys):
        marks = ", ".join("?" * len(part))
        connection.execute(f"DELETE FROM kv WHERE key IN ({marks})", tuple(part))


def _with_crcs(row: RowFields) -> tuple[bytes, bytes, int, int, int, int, int]:
    key, value, create_revision, mod_revision, version = row
    value_crc = crc32(value)
    crc = row_crc(key, value_crc, create_revision, mod_revision, version)
    return key, value, create_revision, mod_revision, version, value_crc, crc


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), ROWS_MAX):
        yield items[first : first + ROWS_MAX]
