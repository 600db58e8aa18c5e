"""The model of one shard: keys, revisions and ranges, as `ostraka.v1.KV` promises them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Get:
    """Answers the key's row, or None."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Range:
    """Answers the rows of [start, end) in order, at most `limit`. A page that ended early because it grew too large is
    recorded as the range up to its last key."""

    start: bytes
    end: bytes | None
    """None: every key from `start` on."""
    limit: int | None = None
    keys_only: bool = False
    """Rows come with empty values."""


@dataclass(frozen=True, slots=True)
class Count:
    """Answers how many keys there are in [start, end)."""

    start: bytes
    end: bytes | None


@dataclass(frozen=True, slots=True)
class Put:
    """Answers `Changed`."""

    key: bytes
    value: bytes
    prev: bool = False
    """Whether to answer what was there before."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Answers how many keys of [start, end) there were. One key is the range that ends at `just_after` it."""

    start: bytes
    end: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """A key as it stands: the revisions of the put that created it and of the last, and how many puts since."""

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The shard's revision that a put made, and the row before where it was asked for."""

    revision: int
    prev: Row | None = None


Request: TypeAlias = Get | Range | Count | Put | Delete
Answer: TypeAlias = Row | tuple[Row, ...] | int | Changed | None


def just_after(key: bytes) -> bytes:
    """The least key above this one."""
    return key + b"\0"


class Keyspace:
    """Every state of a shard that began empty, at revision 1."""

    def __init__(self) -> None:
        self._length = 0
        self._revision = 1
        self._keys: list[bytes] = []  # all that ever existed, in order
        self._changes: dict[bytes, list[tuple[int, Row | None]]] = {}  # of each key: from which state on which row
        self._states = {1: 0}  # of each revision: the first state that has it

    def is_read(self, request: Request) -> bool:
        """As `Model.is_read`."""
        return isinstance(request, Get | Range | Count)

    def apply(self, command: Request) -> Answer:
        """Execute the next command."""
        self._length += 1
        if isinstance(command, Put):
            return self._put(command)
        assert isinstance(command, Delete), f"{command} is no write"
        return self._delete(command)

    def read(self, request: Request, index: int) -> Answer:
        """What state `index` answers."""
        if isinstance(request, Get):
            return self._row(request.key, index)
        assert isinstance(request, Range | Count), f"{request} is no read"
        rows = self._rows(request.start, request.end, index)
        if isinstance(request, Count):
            return sum(1 for _ in rows)
        found = islice(rows, request.limit)
        return tuple(replace(row, value=b"") if request.keys_only else row for row in found)

    def since(self, request: Request, answer: Answer) -> int:
        """The state that the newest revision in the answer made; past the last one if no command made it."""
        if isinstance(answer, Row):
            newest = answer.mod_revision
        elif isinstance(answer, tuple):
            newest = max((row.mod_revision for row in answer), default=1)
        else:
            newest = 1
        return self._states.get(newest, self._length + 1)

    def _put(self, put: Put) -> Changed:
        before = self._row(put.key, self._length)
        self._raise_revision()
        created, version = (before.create_revision, before.version + 1) if before else (self._revision, 1)
        if put.key not in self._changes:
            insort(self._keys, put.key)
            self._changes[put.key] = []
        row = Row(put.key, put.value, created, self._revision, version)
        self._changes[put.key].append((self._length, row))
        return Changed(self._revision, before if put.prev else None)

    def _delete(self, delete: Delete) -> int:
        doomed = list(self._rows(delete.start, delete.end, self._length))
        if doomed:
            self._raise_revision()
        for row in doomed:
            self._changes[row.key].append((self._length, None))
        return len(doomed)

    def _raise_revision(self) -> None:
        self._revision += 1
        self._states[self._revision] = self._length

    def _row(self, key: bytes, index: int) -> Row | None:
        changes = self._changes.get(key, [])
        last = bisect_right(changes, index, key=lambda change: change[0]) - 1
        return changes[last][1] if last >= 0 else None

    def _rows(self, start: bytes, end: bytes | None, index: int) -> Iterator[Row]:
        last = len(self._keys) if end is None else bisect_left(self._keys, end)
        for key in self._keys[bisect_left(self._keys, start) : last]:
            row = self._row(key, index)
            if row is not None:
                yield row
