"""Reading the rows that ended.

A revision is looked up in every run that ended after it (`runs.py`). A key's rows never overlap, so that one of them at
most was there at the revision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from heapq import merge
from operator import itemgetter
from typing import Any

from ostraka_server.store.blocks import COLUMNS, Block
from ostraka_server.store.checksums import RowFields

_RUNS = """
WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM past WHERE run > :revision
    UNION ALL SELECT (SELECT min(run) FROM past WHERE run > runs.run) FROM runs WHERE run IS NOT NULL
)"""
"""Those with rows that ended after a revision, and NULL."""

_FIND = f"""{_RUNS}
SELECT {", ".join(f"past.{column}" for column in COLUMNS.split(", "))} FROM runs CROSS JOIN past
ON past.run = runs.run AND (past.key, past.end_revision) = (
    SELECT key, end_revision FROM past AS later
    WHERE later.run = runs.run AND (later.key, later.end_revision) > (:key, :revision)
    ORDER BY key, end_revision LIMIT 1
)"""
"""Of each run the block that has the key's first row that ended after a revision, if there is one."""


def find(connection: sqlite3.Connection, key: bytes, revision: int, name: str) -> RowFields | None:
    """The row of `key` as of `revision`, if it ended since. Raises DamagedStore, sqlite3.Error."""
    with closing(connection.execute(_FIND, {"key": key, "revision": revision})) as found:
        for cells in found:
            row = Block(cells, name).find(key, revision)
            if row is not None:
                return row[:5]
    return None


@contextmanager
def scan(
    connection: sqlite3.Connection, start: bytes, end: bytes | None, revision: int, name: str, *, descending: bool
) -> Iterator[Iterator[RowFields]]:
    """Rows of `[start, end)` as of `revision`, ascending or `descending`. Within a transaction, or what is written
    meanwhile moves rows to other runs. Raises DamagedStore, sqlite3.Error."""
    with _runs(connection, start, end, revision, name, descending=descending) as runs:
        yield merge(*(_rows(run, descending=descending) for run in runs), key=itemgetter(0), reverse=descending)


def count(connection: sqlite3.Connection, start: bytes, end: bytes | None, revision: int, name: str) -> int:
    """How many there are, else like `scan`."""
    with _runs(connection, start, end, revision, name, descending=False) as runs:
        return sum(len(alive) for run in runs for _, alive in run)


@contextmanager
def _runs(
    connection: sqlite3.Connection, start: bytes, end: bytes | None, revision: int, name: str, *, descending: bool
) -> Iterator[Sequence[_Run]]:
    """Each run as far as it has to do with `[start, end)`."""
    order = "DESC" if descending else "ASC"
    through = "" if end is None else f"AND key <= {_BLOCK_OF_END}"
    query = f"""SELECT {COLUMNS} FROM past WHERE run = :run AND key >= :start {through}
    ORDER BY key {order}, end_revision {order}"""
    bounds: dict[str, Any] = {"start": start, "end": end, "revision": revision}
    runs = connection.execute(f"{_RUNS} SELECT run FROM runs WHERE run IS NOT NULL", bounds).fetchall()
    with ExitStack() as stack:
        cursors = [stack.enter_context(closing(connection.execute(query, {**bounds, "run": run}))) for (run,) in runs]
        yield [_opened(cursor, start, end, revision, name) for cursor in cursors]


_BLOCK_OF_END = """coalesce(
    (SELECT min(key) FROM past WHERE run = :run AND key >= :end), (SELECT max(key) FROM past WHERE run = :run)
)"""

_Run = Iterator[tuple[Block, list[int]]]
"""Its blocks, each with the places of those rows that are wanted."""


def _opened(found: Iterable[Any], start: bytes, end: bytes | None, revision: int, name: str) -> _Run:
    for cells in found:
        block = Block(cells, name)
        yield block, block.alive(start, end, revision)


def _rows(run: _Run, *, descending: bool) -> Iterator[RowFields]:
    for block, alive in run:
        for place in reversed(alive) if descending else alive:
            yield block.row(place)[:5]
