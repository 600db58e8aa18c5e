"""The rows: overlays in memory over a cache over the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from ostraka_server.machine.base import Base, Row, row_of
from ostraka_server.machine.cache import Cache
from ostraka_server.machine.overlay import Overlay
from ostraka_server.machine.unknown import UNKNOWN
from ostraka_server.shadow import shadow


class Layers:
    """Reads answer from the topmost layer that knows the key. Writes go to the active overlay."""

    def __init__(self, base: Base, cache_bytes_max: int) -> None:
        self._base = base
        self._cache = Cache(cache_bytes_max)
        self._active = Overlay()
        self._flushing: Overlay | None = None
        self._flushing_slot = 0

    @property
    def size_bytes(self) -> int:
        """Estimated memory of what the checkpoint does not hold yet."""
        return self._active.size_bytes + (self._flushing.size_bytes if self._flushing else 0)

    def get(self, key: bytes) -> Row | None:
        row = self._active.rows.get(key, UNKNOWN)
        if row is UNKNOWN and self._flushing is not None:
            row = self._flushing.rows.get(key, UNKNOWN)
        if row is UNKNOWN:
            row = self._cache.get(key)
        if row is UNKNOWN:
            fields = self._base.get(key)
            row = row_of(fields) if fields is not None else None
            self._cache.put(key, row)
        return row

    def get_at(self, key: bytes, revision: int) -> Row | None:
        """The row of `key` as of `revision`, if it existed then."""
        for overlay in self._overlays():
            row = overlay.at(key, revision)
            if row is not UNKNOWN:
                return row
        fields = self._base.get_at(key, revision)
        return None if fields is None else row_of(fields)

    def put(self, row: Row, prev: Row | None) -> None:
        """`prev`: the key's row before, if it existed."""
        self._active.set(row.key, row, prev, row.mod_revision)

    def delete(self, row: Row, revision: int) -> None:
        """Of a key that exists, with this row, value included."""
        self._active.set(row.key, None, row, revision)

    @contextmanager
    def scan(
        self,
        start: bytes,
        end: bytes | None,
        *,
        values: bool,
        descending: bool = False,
        revision: int | None = None,
    ) -> Iterator[Iterator[Row]]:
        """Rows of `[start, end)` in ascending order, or in `descending`, read as they are iterated; values are empty
        unless `values`. As of `revision`, where one is given, else the present ones.

        Nothing may be written until it is left."""
        if revision is None:
            stored = self._base.scan(start, end, values=values, descending=descending)
        else:
            stored = self._base.scan_at(start, end, revision, values=values, descending=descending)
        with stored as found:
            batches: Iterator[Sequence[Row]] = (list(map(row_of, batch)) for batch in found)
            for overlay in reversed(self._overlays()):
                changes = overlay.scan(start, end, revision, descending=descending)
                if not values:
                    changes = ((key, row and row._replace(value=b"")) for key, row in changes)
                batches = shadow(changes, batches, descending=descending)
            yield chain.from_iterable(batches)

    def count(self, start: bytes, end: bytes | None, revision: int | None = None) -> int:
        """How many keys exist; as of `revision`, where one is given."""
        base = self._base
        count, slot = base.count(start, end) if revision is None else base.count_at(start, end, revision)
        # The other thread may have committed the flushing layer, which this thread has not dropped yet.
        if self._flushing is not None and slot < self._flushing_slot:
            count += self._flushing.added(start, end, revision)
        return count + self._active.added(start, end, revision)

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        """As `Rows.milestone`, of present and past alike: most keys of one are those of the other."""
        return self._base.milestone(start, end, keys)

    def begin_flush(self, slot: int) -> Overlay:
        """Freeze the active overlay, which holds the changes through `slot`, and begin an empty one."""
        assert self._flushing is None, "a flush is under way"
        self._flushing, self._flushing_slot, self._active = self._active, slot, Overlay()
        return self._flushing

    def end_flush(self) -> None:
        """The base holds the frozen overlay: drop it."""
        assert self._flushing is not None, "no flush is under way"
        self._cache.absorb(self._flushing.rows, self._flushing.rows_bytes)
        self._flushing = None

    def _overlays(self) -> Sequence[Overlay]:
        """Those that hold something, the upper one first."""
        return [each for each in (self._active, self._flushing) if each is not None and each.rows]
