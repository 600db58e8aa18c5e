"""Statements that write many rows at a time.

Not for fewer calls but for the interpreter's lock: it is released while a statement runs and wanted back after it, and
a busy loop thread gives it back after 5 ms only. At a row a statement (`executemany`) a flush of 10,000 rows next to a
busy loop was measured to take 15 s, so written 0.4 s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from ostraka_server.store.checksums import CURRENT, PAST, PastFields, RowFields, Total, record_crc
from ostraka_server.store.errors import DamagedStore
from ostraka_server.store.past import era_of

T = TypeVar("T")

ROWS_MAX = 1024
"""Rows a statement: nine parameters each at most, of which SQLite takes 32,766. More were measured to gain nothing."""


def write_rows(
    connection: sqlite3.Connection, changes: Mapping[bytes, RowFields | None], before: Total, name: str
) -> Total:
    """Put and delete current rows; what the rows of `kv`, which were `before`, add up to now. Raises DamagedStore.

    By ascending key, so that neighbours meet in the same page."""
    keys = sorted(changes)
    replaced, written = _total_of(connection, "kv", keys, name), Total()
    for part in _parts([row for key in keys if (row := changes[key]) is not None]):
        cells = CURRENT.sealed(part)
        written = written.plus(_sum_of(cells))
        _execute(
            connection,
            f"INSERT INTO kv ({CURRENT.columns})",
            cells,
            """ON CONFLICT (key) DO UPDATE SET value = excluded.value, create_revision = excluded.create_revision,
            mod_revision = excluded.mod_revision, version = excluded.version, value_crc = excluded.value_crc,
            crc = excluded.crc""",
        )
    _delete(connection, "kv", [key for key in keys if changes[key] is None])
    return before.less(replaced).plus(written)


def append_past(connection: sqlite3.Connection, rows: Sequence[PastFields], before: Total) -> Total:
    """Add rows that ended, none of which is there; what the rows of `past` add up to now."""
    after = before
    for part in _parts(sorted(rows, key=_place)):
        cells = [(era_of(cell[5]), *cell) for cell in PAST.sealed(part)]
        after = after.plus(_sum_of(cells))
        _execute(connection, f"INSERT INTO past (era, {PAST.columns})", cells)
    return after


def write_records(
    connection: sqlite3.Connection, records: Mapping[bytes, bytes | None], before: Total, name: str
) -> Total:
    """Put and delete records; what all of them, which were `before`, add up to now. Raises DamagedStore."""
    names = sorted(records)
    replaced, written = _total_of(connection, "record", names, name), Total()
    for part in _parts([(each, value) for each in names if (value := records[each]) is not None]):
        cells = [(each, value, record_crc(each, value)) for each, value in part]
        written = written.plus(_sum_of(cells))
        _execute(connection, "INSERT OR REPLACE INTO record (name, value, crc)", cells)
    _delete(connection, "record", [each for each in names if records[each] is None])
    return before.less(replaced).plus(written)


_NAMED = {"kv": "key", "record": "name"}


def _total_of(connection: sqlite3.Connection, table: str, keys: Sequence[bytes], name: str) -> Total:
    """Of the rows that exist, by ascending key: about to be written or deleted, they are read in the same order.

    Raises DamagedStore where the store `name` gives them CRCs that no rows can have; others are not checked."""
    total = Total()
    for part in _parts(keys):
        marks = ", ".join("?" * len(part))
        query = f"SELECT count(*), coalesce(sum(crc), 0) FROM {table} WHERE {_NAMED[table]} IN ({marks})"
        found = connection.execute(query, tuple(part)).fetchone()
        total = total.plus(credible(found, name))
    return total


def credible(found: tuple[Any, Any], name: str) -> Total:
    """The number of some rows and the sum of their CRCs, as SQLite tells them. Raises DamagedStore where no rows have
    such a sum."""
    rows, crcs = found
    if not isinstance(crcs, int) or not 0 <= crcs <= rows * 0xFFFFFFFF:
        raise DamagedStore(name, "the rows to be replaced are not as they were written")
    return Total(rows, crcs)


def _delete(connection: sqlite3.Connection, table: str, keys: Sequence[bytes]) -> None:
    """Keys that are not there are no error: they came and went between two flushes."""
    for part in _parts(keys):
        marks = ", ".join("?" * len(part))
        connection.execute(f"DELETE FROM {table} WHERE {_NAMED[table]} IN ({marks})", tuple(part))


def _execute(connection: sqlite3.Connection, head: str, cells: Sequence[tuple[Any, ...]], tail: str = "") -> None:
    one = f"({', '.join('?' * len(cells[0]))})"
    connection.execute(f"{head} VALUES {', '.join([one] * len(cells))} {tail}", tuple(chain.from_iterable(cells)))


def _sum_of(cells: Sequence[tuple[Any, ...]]) -> Total:
    return Total(len(cells), sum(cell[-1] for cell in cells))


def _place(row: PastFields) -> tuple[int, bytes, int]:
    return era_of(row[5]), row[0], row[5]


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), ROWS_MAX):
        yield items[first : first + ROWS_MAX]
