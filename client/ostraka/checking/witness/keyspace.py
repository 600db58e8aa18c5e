"""The model of one shard: keys, revisions, ranges and transactions, as `ostraka.v1.KV` promises them."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from .requests import Answer, Changed, Compare, Count, Delete, Done, Get, Operator, Put, Range, Request, Row, Txn

_HOLDS: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


class Keyspace:
    """Every state of a shard that began empty, at revision 1."""

    def __init__(self) -> None:
        self._length = 0
        self._revision = 1
        self._raised = False  # by the command under way
        self._keys: list[bytes] = []  # all that ever existed, in order
        self._changes: dict[bytes, list[tuple[int, Row | None]]] = {}  # of each key: from which state on which row
        self._states = {1: 0}  # of each revision: the first state that has it

    @property
    def revision(self) -> int:
        """Of the last state."""
        return self._revision

    def is_read(self, request: Request) -> bool:
        """As `Model.is_read`."""
        if isinstance(request, Txn):
            return all(map(self.is_read, (*request.then, *request.otherwise)))
        return isinstance(request, Get | Range | Count)

    def apply(self, command: Request) -> Answer:
        """Execute the next command."""
        assert not self.is_read(command), f"{command} is no write"
        self._length += 1
        self._raised = False
        return self._execute(command)

    def _execute(self, request: Request) -> Answer:
        """A command, or a part of one."""
        if isinstance(request, Put):
            return self._put(request)
        if isinstance(request, Delete):
            return self._delete(request)
        if isinstance(request, Txn) and not self.is_read(request):
            succeeded = self._hold(request.compares, self._length)
            return Done(succeeded, tuple(map(self._execute, request.then if succeeded else request.otherwise)))
        return self.read(request, self._length)

    def read(self, request: Request, index: int) -> Answer:
        """What state `index` answers."""
        if isinstance(request, Txn):
            succeeded = self._hold(request.compares, index)
            done = request.then if succeeded else request.otherwise
            return Done(succeeded, tuple(self.read(each, index) for each in done))
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
        return self._states.get(_newest(answer), self._length + 1)

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
        """Once a command, however much it changes."""
        if not self._raised:
            self._raised = True
            self._revision += 1
            self._states[self._revision] = self._length

    def _hold(self, compares: Iterable[Compare], index: int) -> bool:
        return all(self._holds(compare, self._row(compare.key, index)) for compare in compares)

    def _holds(self, compare: Compare, row: Row | None) -> bool:
        if row is None and compare.field == "value":
            return False
        found = 0 if row is None else getattr(row, compare.field)
        return _HOLDS[compare.operator](found, compare.operand)

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


def _newest(answer: Answer) -> int:
    """The newest revision that an answer to a read tells of; 1 if of none."""
    if isinstance(answer, Row):
        return answer.mod_revision
    if isinstance(answer, tuple):
        return max(map(_newest, answer), default=1)
    return max(map(_newest, answer.answers), default=1) if isinstance(answer, Done) else 1
