"""Rows that ended, packed: many of them are one row of the table `past`.

A flush writes as many rows that ended as there were puts, and hardly any of them is ever read. As rows of a table they
cost SQLite and Python several times what all else about them does.

Rule 1: a block's rows lie by key, and those of a key by end revision. The last of them names the block.
Rule 2: its CRC covers all of it, its name and its run (`runs.py`) included.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from struct import Struct
from typing import Any, Final
from zlib import crc32

from ostraka_server.store.checksums import PastFields
from ostraka_server.store.errors import DamagedStore

BLOCK_ROWS_MAX: Final = 64
"""Twice as many were measured to gain nothing at a flush, and a read of one row has to unpack all."""

BLOCK_BYTES_MAX: Final = 16 << 10
"""Of keys and values; one row may go beyond."""

COLUMNS: Final = "run, key, end_revision, rows, block, crc"
"""As `sealed` gives them and `Block` wants them."""

_NUMBERS: Final = Struct(">qqII").pack


def cut(rows: Sequence[PastFields]) -> Iterator[Sequence[PastFields]]:
    """Rows in the order of rule 1, as blocks."""
    first = 0
    while first < len(rows):
        block = rows[first : first + BLOCK_ROWS_MAX]
        sizes = list(accumulate([len(row[0]) + len(row[1]) for row in block]))
        block = block[: bisect_left(sizes, BLOCK_BYTES_MAX) + 1]
        yield block
        first += len(block)


def sealed(run: int, rows: Sequence[PastFields]) -> tuple[Any, ...]:
    """A block of a run as cells. Raises struct.error, TypeError for what no row can hold."""
    key, *_, end = rows[-1]
    block = _packed(rows)
    return run, key, end, len(rows), block, _crc(run, key, end, len(rows), block)


class Block:
    """A block that was read. Rows are known by their place in it, and made of its bytes when they are asked for."""

    def __init__(self, cells: Sequence[Any], name: str) -> None:
        """Raises DamagedStore where the cells, of the store `name`, are not as they were written."""
        check(cells, name)
        rows, block = cells[3:5]
        head = _head(rows)
        numbers = head.unpack_from(block)
        self._block: bytes = block
        self._created, self._modified, self._version, self._ended = (
            numbers[first : first + rows] for first in range(0, 4 * rows, rows)
        )
        self._ends = list(accumulate(numbers[4 * rows :], initial=head.size))  # of keys and values, in the bytes
        self._places = range(rows)

    def rows(self) -> Iterator[PastFields]:
        """All of them."""
        return map(self.row, self._places)

    def row(self, place: int) -> PastFields:
        """One of them."""
        numbers = self._created[place], self._modified[place], self._version[place], self._ended[place]
        return self._key(place), self._text(len(self._places) + place), *numbers

    def find(self, key: bytes, revision: int) -> PastFields | None:
        """The row of `key` that was there at a revision, if it is in here."""
        place = bisect_right(self._places, (key, revision), key=self._name)
        if place == len(self._places) or self._key(place) != key or self._modified[place] > revision:
            return None
        return self.row(place)

    def alive(self, start: bytes, end: bytes | None, revision: int) -> list[int]:
        """The places of the rows of `[start, end)` that were there at a revision."""
        first = bisect_left(self._places, start, key=self._key)
        last = len(self._places) if end is None else bisect_left(self._places, end, key=self._key)
        spans = zip(self._places[first:last], self._modified[first:last], self._ended[first:last], strict=True)
        return [place for place, modified, ended in spans if modified <= revision < ended]

    def _name(self, place: int) -> tuple[bytes, int]:
        return self._key(place), self._ended[place]

    def _key(self, place: int) -> bytes:
        return self._text(place)

    def _text(self, number: int) -> bytes:
        return self._block[self._ends[number] : self._ends[number + 1]]


def check(cells: Sequence[Any], name: str) -> None:
    """Raises DamagedStore where a block of the store `name` is not as it was written."""
    try:
        if cells[5] == _crc(*cells[:5]):
            return
    except (TypeError, struct.error):  # damage changes types, too
        pass
    raise DamagedStore(name, f"the rows that ended up to key {cells[1]!r:.80} are not as they were written")


def _crc(run: int, key: bytes, end_revision: int, rows: int, block: bytes) -> int:
    return crc32(block, crc32(_NUMBERS(run, end_revision, rows, len(key)), crc32(key)))


# A block holds its rows by columns: that is what zip and struct are quick at.


def _packed(rows: Sequence[PastFields]) -> bytes:
    keys, values, *numbers = zip(*rows, strict=True)
    texts = (*keys, *values)
    return _head(len(rows)).pack(*chain.from_iterable(numbers), *map(len, texts)) + b"".join(texts)


@lru_cache(BLOCK_ROWS_MAX)
def _head(rows: int) -> Struct:
    """Create, mod revision, version and end revision of all rows, then the lengths of all keys and of all values."""
    return Struct(f">{4 * rows}q{2 * rows}I")
