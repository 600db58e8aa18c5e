"""Changed keys that no checkpoint holds yet, in memory, with the rows that ended by their changes."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sortedcontainers import SortedList

from ostraka_server.machine.base import PastFields, Row, row_of
from ostraka_server.machine.unknown import UNKNOWN, Unknown

ROW_OVERHEAD_BYTES = 400
"""What a changed key costs beside key and value: row, integers, object headers, dictionary and list entries."""

PAST_OVERHEAD_BYTES = 300
"""What a row that ended costs beside its value; its key is shared."""

_MOD: Final = 3
_END: Final = 5
"""Of the fields of a row that ended: since when, and until when, it was the key's."""


class Overlay:
    """Rows by key; None marks a deleted key. Grows until it is frozen by being flushed.

    Whoever only writes pays for no order and no index: the reads that need them do.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, Row | None] = {}
        self.rows_bytes = 0
        """Estimated memory of `rows`."""
        self._past: list[PastFields] = []  # by ascending end
        self._past_bytes = 0
        self._new: set[bytes] = set()  # keys that the layers below do not have
        self._sorted: SortedList = SortedList()
        self._unsorted: list[bytes] = []
        self._past_of: defaultdict[bytes, list[PastFields]] = defaultdict(list)
        self._indexed = 0  # so many of `_past` are in it

    @property
    def size_bytes(self) -> int:
        """Estimated memory of all of it."""
        return self.rows_bytes + self._past_bytes

    def set(self, key: bytes, row: Row | None, prev: Row | None, revision: int) -> None:
        """`prev`: the key's row before, in this layer or below, which ends at `revision`."""
        size = 0 if row is None else len(row[1])
        if key not in self.rows:
            self._unsorted.append(key)
            size += ROW_OVERHEAD_BYTES + len(key)
            if prev is None:
                self._new.add(key)
        elif prev is not None:
            size -= len(prev[1])
        self.rows_bytes += size
        self.rows[key] = row
        if prev is not None:
            self._past.append((*prev, revision))
            self._past_bytes += PAST_OVERHEAD_BYTES + len(prev[1])

    def past(self, compact_revision: int) -> Sequence[PastFields]:
        """The rows that ended here after `compact_revision`, by ascending end: the others nobody can read any more."""
        first = bisect_right(self._past, compact_revision, key=lambda past: past[_END])
        return self._past[first:] if first else self._past

    def at(self, key: bytes, revision: int) -> Row | Unknown | None:
        """The row of `key` as of `revision`, if it existed then. UNKNOWN before the first one that this layer knows."""
        row = self.rows.get(key, UNKNOWN)
        if row is UNKNOWN or (row is not None and row.mod_revision <= revision):
            return row
        ended = self._ended(key)
        before = bisect_right(ended, revision, key=lambda past: past[_MOD])
        if not before:
            return UNKNOWN
        last = ended[before - 1]
        return row_of(last[:_END]) if revision < last[_END] else None

    def scan(
        self, start: bytes, end: bytes | None, revision: int | None = None, *, descending: bool = False
    ) -> Iterator[tuple[bytes, Row | None]]:
        """What this layer knows of the keys of `[start, end)`, ascending or `descending`; as of `revision`, where one
        is given."""
        rows = self.rows
        if revision is None:
            return ((key, rows[key]) for key in self._keys(start, end, descending))
        known = ((key, self.at(key, revision)) for key in self._keys(start, end, descending))
        return ((key, row) for key, row in known if row is not UNKNOWN)

    def added(self, start: bytes, end: bytes | None, revision: int | None = None) -> int:
        """How many keys of `[start, end)` exist because of this layer, less those that it deletes."""
        # Where it knows a key as of a revision, the layers below have it then if they have it at all.
        new = self._new
        return sum((row is not None) - (key not in new) for key, row in self.scan(start, end, revision))

    def _keys(self, start: bytes, end: bytes | None, descending: bool) -> Iterator[bytes]:
        if self._unsorted:
            self._sorted.update(self._unsorted)
            self._unsorted.clear()
        keys: Iterator[bytes] = self._sorted.irange(start, end, inclusive=(True, False), reverse=descending)
        return keys

    def _ended(self, key: bytes) -> Sequence[PastFields]:
        """The rows of `key` that ended here, one after the other."""
        for past in self._past[self._indexed :]:
            self._past_of[past[0]].append(past)
        self._indexed = len(self._past)
        return self._past_of.get(key, ())
