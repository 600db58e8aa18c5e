"""What compaction has made garbage is removed, a bite at a time: runs of which no row can be read any more."""

from __future__ import annotations

import sqlite3

from ostraka_server.store.errors import DamagedStore
from ostraka_server.store.state import read_state, write_state
from ostraka_server.store.statements import credible
from ostraka_server.store.transaction import transaction

PAGES_MAX = 256
"""Pages a bite that are given back to the file system: each is filled with the last one of the file."""

_SPARE = 8
"""One part in so many of the file may stay free: history grows where it was reclaimed."""


def reclaim(connection: sqlite3.Connection, compact_revision: int, blocks_max: int, name: str) -> bool:
    """Delete so many blocks of the runs that ended by `compact_revision`, and give some free pages back. Whether there
    is more to do. Raises DamagedStore, sqlite3.Error."""
    more = _remove_blocks(connection, compact_revision, blocks_max, name)
    return _give_back(connection) or more


def _remove_blocks(connection: sqlite3.Connection, compact_revision: int, blocks_max: int, name: str) -> bool:
    """One transaction."""
    with transaction(connection):
        next_one = connection.execute(
            """SELECT run, key, end_revision FROM past WHERE run <= ?
            ORDER BY run, key, end_revision LIMIT 1 OFFSET ?""",
            (compact_revision, blocks_max),
        ).fetchone()
        bite, bounds = "run <= ?", (compact_revision,)
        if next_one is not None:
            bite, bounds = "(run, key, end_revision) < (?, ?, ?)", next_one
        found = connection.execute(
            f"SELECT coalesce(sum(rows), 0), coalesce(sum(crc), 0) FROM past WHERE {bite}", bounds
        )
        gone = credible(found.fetchone(), name)
        if gone.rows:
            connection.execute(f"DELETE FROM past WHERE {bite}", bounds)
            state, totals = read_state(connection, name)
            if state is None:
                raise DamagedStore(name, "it has rows and no state")
            write_state(connection, state, totals._replace(past=totals.past.less(gone)))
    return next_one is not None


def _give_back(connection: sqlite3.Connection) -> bool:
    """Whether more free pages are worth it."""
    (pages,), (free,) = (connection.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "freelist_count"))
    surplus = int(free) - int(pages) // _SPARE
    if surplus > 0:
        # It gives back one page each time it is stepped, which `execute` does once.
        connection.executescript(f"PRAGMA incremental_vacuum({min(surplus, PAGES_MAX)})")
    return surplus > PAGES_MAX
