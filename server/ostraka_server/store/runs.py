"""Writing the rows that ended.

Rule 1: what a flush adds is a *run*, or a few: rows that ended one after the other, sorted by key and cut into blocks.
A run is known by the end revision of its last row. No revision is in two of them.
Rule 2: a run is never changed. But small ones are taken into the next, so that there are few to look a key up in: each
is taken into one that is half as large at least, so a row is written again a few times, the more often the smaller
flushes are.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

from ostraka_server.store import blocks
from ostraka_server.store.checksums import PastFields, Total
from ostraka_server.store.statements import insert, parts

RUN_ROWS_MAX = 32_768
"""To sort more of them at once would hold the interpreter's lock for more than 20 ms. A million rows are in some 30 to
120 places."""

MERGED_ROWS_MAX = 16_384
MERGED_BYTES_MAX = 16 << 20
"""No run is taken into another that would be larger."""

_KEY: Final = itemgetter(0)
_END: Final = itemgetter(5)


def append_past(connection: sqlite3.Connection, rows: Sequence[PastFields], before: Total, name: str) -> Total:
    """Add rows that ended, by ascending end, after all that are there; what the rows of `past` add up to now.

    Raises DamagedStore."""
    if not rows:
        return before
    earlier, gone = _taken(connection, rows, name)
    total = before.less(gone)
    for run in [[*earlier, *rows]] if earlier else _cut(rows):
        last = run[-1][5]
        cells = [blocks.sealed(last, block) for block in blocks.cut(sorted(run, key=_KEY))]  # rows of a key: as before
        for part in parts(cells):
            insert(connection, f"INSERT INTO past ({blocks.COLUMNS})", part)
        total = total.plus(Total(len(run), sum(crc for *_, crc in cells)))
    return total


def _cut(rows: Sequence[PastFields]) -> Iterator[Sequence[PastFields]]:
    first = 0
    while first < len(rows):
        last = min(first + RUN_ROWS_MAX, len(rows)) - 1
        end = bisect_right(rows, rows[last][5], lo=last, key=_END)  # one revision may end more than fit
        yield rows[first:end]
        first = end


def _taken(connection: sqlite3.Connection, rows: Sequence[PastFields], name: str) -> tuple[list[PastFields], Total]:
    """The rows of the last runs, which go into the next one and are removed; and what they added up to."""
    taken: list[PastFields] = []
    gone = Total()
    size = sum(len(row[1]) for row in rows) if len(rows) < MERGED_ROWS_MAX else MERGED_BYTES_MAX
    while size < MERGED_BYTES_MAX:
        count = len(rows) + len(taken)
        run, run_rows, run_bytes = connection.execute(_LAST).fetchone()
        if (
            run is None
            or run_rows > 2 * count
            or run_rows + count > MERGED_ROWS_MAX
            or run_bytes > MERGED_BYTES_MAX - size
        ):
            break
        found = connection.execute(_ALL, (run,)).fetchall()
        taken[:0] = [row for cells in found for row in blocks.Block(cells, name).rows()]
        connection.execute("DELETE FROM past WHERE run = ?", (run,))
        gone = gone.plus(Total(sum(cells[3] for cells in found), sum(cells[5] for cells in found)))
        size += run_bytes
    return taken, gone


_LAST = """SELECT run, coalesce(sum(rows), 0), coalesce(sum(length(block)), 0) FROM past
WHERE run = (SELECT max(run) FROM past)"""

_ALL = f"SELECT {blocks.COLUMNS} FROM past WHERE run = ? ORDER BY key, end_revision"
