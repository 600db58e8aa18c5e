"""Changed keys that no checkpoint holds yet, in memory."""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedList

from ostraka_server.machine.base import Row

ROW_OVERHEAD_BYTES = 400
"""What a changed key costs beside key and value: row, integers, object headers, dictionary and list entries."""


class Overlay:
    """Rows by key; None marks a deleted key. Grows until it is frozen by being flushed."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Row | None] = {}
        self.size_bytes = 0
        """Estimated memory."""
        self._new: set[bytes] = set()  # keys that the layers below do not have
        self._sorted: SortedList = SortedList()
        self._unsorted: list[bytes] = []  # order is paid for by the range reads that need it

    def set(self, key: bytes, row: Row | None, *, existed: bool) -> None:
        """`existed`: whether the key existed before, in this layer or below."""
        if key not in self.rows:
            self._unsorted.append(key)
            self.size_bytes += ROW_OVERHEAD_BYTES + len(key)
            if not existed:
                self._new.add(key)
        elif (before := self.rows[key]) is not None:
            self.size_bytes -= len(before.value)
        if row is not None:
            self.size_bytes += len(row.value)
        self.rows[key] = row

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, Row | None]]:
        """Changes of `[start, end)` in ascending order."""
        rows = self.rows
        return ((key, rows[key]) for key in self._keys(start, end))

    def added(self, start: bytes, end: bytes | None) -> int:
        """How many keys of `[start, end)` exist because of this layer, less those that it deletes."""
        new = self._new
        return sum((row is not None) - (key not in new) for key, row in self.scan(start, end))

    def _keys(self, start: bytes, end: bytes | None) -> Iterator[bytes]:
        if self._unsorted:
            self._sorted.update(self._unsorted)
            self._unsorted.clear()
        keys: Iterator[bytes] = self._sorted.irange(start, end, inclusive=(True, False))
        return keys
