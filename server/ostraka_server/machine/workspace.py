"""What a transaction sees while it is carried out: its own writes over the rows below, which stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from sortedcontainers import SortedDict

from ostraka_server.machine.base import Row, row_put
from ostraka_server.machine.effects import Effects
from ostraka_server.machine.layers import Layers
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.unknown import UNKNOWN, Unknown
from ostraka_server.shadow import shadow


@dataclass(frozen=True, slots=True)
class Put:
    """A row that was put, and the one before it."""

    row: Row
    prev: Row | None


Write = Put | Sequence[Row]
"""A put, or the rows that one delete found."""


class Workspace(Rows):
    """`rows` as of `revision`, under the writes of one transaction. No key is written twice (`written_twice.py`)."""

    def __init__(self, rows: Rows, revision: int) -> None:
        self._below = rows
        self._begun = revision
        self._changes: SortedDict[bytes, Row | None] = SortedDict()
        self._new: set[bytes] = set()
        self.writes: list[Write] = []
        """In the order in which they took effect."""

    @property
    def revision(self) -> int:
        """What the shard's will be, were the transaction to end here."""
        return self._begun + bool(self.writes)

    def get(self, key: bytes) -> Row | None:
        row: Row | Unknown | None = self._changes.get(key, UNKNOWN)
        return self._below.get(key) if row is UNKNOWN else row

    @contextmanager
    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Row]]:
        changes = ((key, self._changes[key]) for key in self._changed(start, end, descending=descending))
        with self._below.scan(start, end, values=values, descending=descending) as found:
            seen = chain.from_iterable(shadow(changes, zip(found), descending=descending))
            yield seen if values else (row._replace(value=b"") for row in seen)

    def count(self, start: bytes, end: bytes | None) -> int:
        added = sum((self._changes[key] is not None) - (key not in self._new) for key in self._changed(start, end))
        return self._below.count(start, end) + added

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        return self._below.milestone(start, end, keys)

    def put(self, key: bytes, value: bytes) -> Row | None:
        """Gives the row before."""
        prev = self.get(key)
        if prev is None:
            self._new.add(key)
        self._changes[key] = row = row_put(key, value, prev, self._begun + 1)
        self.writes.append(Put(row, prev))
        return prev

    def delete(self, rows: Sequence[Row]) -> None:
        """Rows that exist, at least one."""
        self._changes.update((row.key, None) for row in rows)
        self.writes.append(rows)

    def commit(self, layers: Layers, effects: Effects) -> None:
        """Do the same to the rows below."""
        for write in self.writes:
            if isinstance(write, Put):
                layers.put(write.row, write.prev)
                effects.put(write.row)
            else:
                for row in write:
                    layers.delete(row, self.revision)
                effects.delete(self.revision, write)

    def _changed(self, start: bytes, end: bytes | None, *, descending: bool = False) -> Iterator[bytes]:
        keys: Iterator[bytes] = self._changes.irange(start, end, inclusive=(True, False), reverse=descending)
        return keys
