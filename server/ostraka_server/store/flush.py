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

Row = tuple[bytes, bytes, int, int, int]
T = TypeVar("T")

ROWS_MAX = 1024
"""Rows a statement: five parameters each, of which SQLite takes 32,766. More rows were measured to gain nothing."""


def upsert_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Rows by ascending key, so that neighbours meet in the same page."""
    for part in _parts(rows):
        values = ", ".join(["(?, ?, ?, ?, ?)"] * len(part))
        connection.execute(
            f"""INSERT INTO kv (key, value, create_revision, mod_revision, version) VALUES {values}
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, create_revision = excluded.create_revision,
            mod_revision = excluded.mod_revision, version = excluded.version""",
            tuple(chain.from_iterable(part)),
        )


def delete_keys(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Keys that are not there are no error: they came and went between two flushes."""
    for part in _parts(keys):
        marks = ", ".join("?" * len(part))
        connection.execute(f"DELETE FROM kv WHERE key IN ({marks})", tuple(part))


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), ROWS_MAX):
        yield items[first : first + ROWS_MAX]
