"""Statements that write many rows at a time.

Not for fewer calls but for the interpreter's lock: it is released while a statement runs and wanted back after it, and
a busy loop thread gives it back after 5 ms only. At a row a statement (`executemany`) a flush of 10,000 rows next to a
busy loop was measured to take 15 s, so written 0.4 s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

from ostraka_server.store.checksums import Total
from ostraka_server.store.errors import DamagedStore

T = TypeVar("T")

ROWS_MAX = 1024
"""Rows a statement: seven parameters each at most, of which SQLite takes 32,766. More were measured to gain nothing."""


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """As much as goes into one statement, and the next."""
    for first in range(0, len(items), ROWS_MAX):
        yield items[first : first + ROWS_MAX]


def insert(connection: sqlite3.Connection, head: str, cells: Sequence[tuple[Any, ...]], tail: str = "") -> None:
    """Rows, at least one, by a statement that begins with `head`."""
    one = f"({', '.join('?' * len(cells[0]))})"
    connection.execute(f"{head} VALUES {', '.join([one] * len(cells))} {tail}", tuple(chain.from_iterable(cells)))


def credible(found: tuple[Any, Any], name: str) -> Total:
    """The number of some rows and the sum of their CRCs, as SQLite tells them. Raises DamagedStore where no rows have
    such a sum."""
    rows, crcs = found
    if not (isinstance(rows, int) and isinstance(crcs, int) and 0 <= crcs <= rows * 0xFFFFFFFF):
        raise DamagedStore(name, "the rows to be replaced are not as they were written")
    return Total(rows, crcs)
