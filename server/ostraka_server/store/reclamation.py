"""What compaction has made garbage is removed, a bite at a time."""

from __future__ import annotations

import sqlite3

from ostraka_server.store.checksums import Total
from ostraka_server.store.errors import DamagedStore
from ostraka_server.store.flush import credible
from ostraka_server.store.past import era_of
from ostraka_server.store.state import read_state, write_state
from ostraka_server.store.transaction import transaction

Place = tuple[int, bytes, int]
"""Era, key and end revision: rows of `past` lie in this order."""

_START: Place = (-1, b"", 0)

PAGES_MAX = 256
"""Pages a bite that are given back to the file system: each is filled with the last one of the file."""

_SPARE = 8
"""One part in so many of the file may stay free: history grows where it was reclaimed."""

_BITE = "(era, key, end_revision) > (?, ?, ?) AND (era, key, end_revision) <= (?, ?, ?) AND end_revision <= ?"


class Reclamation:
    """Where it stopped is kept in memory only: forgotten, it begins again, and there is less to do."""

    def __init__(self) -> None:
        self._compact_revision = 0
        self._stopped: Place | None = None

    def bite(self, connection: sqlite3.Connection, compact_revision: int, rows_max: int, name: str) -> bool:
        """Delete, of the next so many rows, those that ended by `compact_revision`, and give some free pages back.
        Whether there is more to do. Raises DamagedStore, sqlite3.Error."""
        if compact_revision != self._compact_revision:
            self._compact_revision, self._stopped = compact_revision, _START
        if self._stopped is not None:
            self._stopped = _remove_rows(connection, self._stopped, compact_revision, rows_max, name)
        return _give_back(connection) or self._stopped is not None


def _remove_rows(
    connection: sqlite3.Connection, start: Place, compact_revision: int, rows_max: int, name: str
) -> Place | None:
    """One transaction; where it stopped, None at the end."""
    era = era_of(compact_revision)
    with transaction(connection):
        stop: Place | None = connection.execute(
            """SELECT era, key, end_revision FROM past WHERE (era, key, end_revision) > (?, ?, ?) AND era <= ?
            ORDER BY era, key, end_revision LIMIT 1 OFFSET ?""",
            (*start, era, rows_max - 1),
        ).fetchone()
        bounds = (*start, *(stop or (era + 1, b"", 0)), compact_revision)
        found = connection.execute(f"SELECT count(*), coalesce(sum(crc), 0) FROM past WHERE {_BITE}", bounds).fetchone()
        gone = credible(found, name)
        if gone != Total():
            connection.execute(f"DELETE FROM past WHERE {_BITE}", bounds)
            state, totals = read_state(connection, name)
            if state is None:
                raise DamagedStore(name, "it has rows and no state")
            write_state(connection, state, totals._replace(past=totals.past.less(gone)))
    return stop


def _give_back(connection: sqlite3.Connection) -> bool:
    """Whether more free pages are worth it."""
    (pages,), (free,) = (connection.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "freelist_count"))
    surplus = int(free) - int(pages) // _SPARE
    if surplus > 0:
        # It gives back one page each time it is stepped, which `execute` does once.
        connection.executescript(f"PRAGMA incremental_vacuum({min(surplus, PAGES_MAX)})")
    return surplus > PAGES_MAX
