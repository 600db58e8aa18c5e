"""Reading the rows that ended.

Rule 1: rows lie by era, which is a span of end revisions, and in it by key: so a flush writes to a small part of the
tree, and what compaction drops lies together. A key is looked up in each era from that of the revision on.
Rule 2: whoever reads has looked at `kv` before. A flush in between only adds to `past` what was seen in `kv`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from heapq import merge
from operator import gt, itemgetter, lt
from typing import Any

from ostraka_server.store.checksums import PAST, RowFields

ERA_BITS = 16
"""An era is 65,536 revisions: a million of them are looked up in 16 places, and a flush of 30,000 rows meets every page
that it touches ten times."""

ERAS = f"""
WITH RECURSIVE eras (era) AS (
    SELECT min(era) FROM past WHERE era >= :revision >> {ERA_BITS}
    UNION ALL SELECT (SELECT min(era) FROM past WHERE era > eras.era) FROM eras WHERE era IS NOT NULL
)"""
"""Those that have rows, from that of a revision on, and NULL."""

_FIND = f"""{ERAS}
SELECT {PAST.columns} FROM eras CROSS JOIN past ON past.era = eras.era AND key = :key AND end_revision = (
    SELECT min(end_revision) FROM past AS later
    WHERE later.era = eras.era AND later.key = :key AND later.end_revision > :revision
) ORDER BY eras.era LIMIT 1"""


def era_of(end_revision: int) -> int:
    """Where a row lies that ended then."""
    return end_revision >> ERA_BITS


def find(connection: sqlite3.Connection, key: bytes, revision: int, name: str) -> RowFields | None:
    """The row of `key` as of `revision`, if it ended since. Raises DamagedStore, sqlite3.Error."""
    found = connection.execute(_FIND, {"key": key, "revision": revision}).fetchone()
    if found is None:
        return None
    row = PAST.checked(found, name)
    return row[:5] if row[3] <= revision else None


@contextmanager
def scan(
    connection: sqlite3.Connection, where: str, bounds: dict[str, Any], name: str, *, values: bool, descending: bool
) -> Iterator[Iterator[RowFields]]:
    """Rows as of `bounds["revision"]`, ascending or `descending`. Raises DamagedStore, sqlite3.Error."""
    query = f"""SELECT {PAST.columns if values else PAST.without_value} FROM past
    WHERE era = :era AND {where} AND mod_revision <= :revision AND end_revision > :revision
    ORDER BY key {"DESC" if descending else "ASC"}"""
    eras = [era for (era,) in connection.execute(f"{ERAS} SELECT era FROM eras WHERE era IS NOT NULL", bounds)]
    with ExitStack() as opened:
        cursors = [opened.enter_context(closing(connection.execute(query, {**bounds, "era": era}))) for era in eras]
        merged = merge(*cursors, key=itemgetter(0), reverse=descending)
        yield (PAST.checked(row, name, with_value=values)[:5] for row in merged)


def count_query(where: str) -> str:
    """Counts the keys that existed at `:revision`, of those `where` names."""
    at = f"{where} AND mod_revision <= :revision"
    return f"""{ERAS}
    SELECT (SELECT count(*) FROM kv WHERE {at}) + (
        SELECT count(*) FROM eras CROSS JOIN past ON past.era = eras.era AND {at} AND end_revision > :revision)"""


def united(
    current: Iterator[RowFields], ended: Iterator[RowFields], *, descending: bool = False
) -> Iterator[RowFields]:
    """Both ascending, or both `descending`; a row in both, once."""
    comes_later = lt if descending else gt
    row = next(ended, None)
    for each in current:
        while row is not None and not comes_later(row[0], each[0]):
            if row[0] != each[0]:
                yield row
            row = next(ended, None)
        yield each
    if row is not None:
        yield row
        yield from ended
