"""Range reads that may have to see much of their range, a bite at a time, on one and the same state.

Every order but that of keys has to see all of the range; filters may let nearly nothing through; a count is of all
that is there. Whoever carries out a `Walk` says how much it may look at before it comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from sortedcontainers import SortedKeyList

from ostraka.v1.kv_pb2 import (
    BY_CREATE_REVISION,
    BY_KEY,
    BY_MOD_REVISION,
    BY_VALUE,
    BY_VERSION,
    DESCENDING,
    RangeRequest,
    SortTarget,
)
from ostraka_server.machine.base import Row
from ostraka_server.machine.ranges import span
from ostraka_server.machine.results import RangeResult
from ostraka_server.machine.room import Room
from ostraka_server.machine.rows import Rows

MESSAGE_BYTES = 40
"""What a row takes in a message beside key and value, at most."""

_NO_BOUND = (1 << 64) - 1

_COUNTED_AT_ONCE = 1 << 16
"""Keys, about: they take some 10 ms."""

Order = Callable[[Row], Any]

# Rows that are equal in what they are sorted by follow one another by key. Descending is ascending reversed.
_ORDERS: dict[SortTarget.ValueType, Order] = {
    BY_VERSION: lambda row: (row.version, row.key),
    BY_CREATE_REVISION: lambda row: (row.create_revision, row.key),
    BY_MOD_REVISION: lambda row: (row.mod_revision, row.key),
    BY_VALUE: lambda row: (row.value, row.key),
}


def answer_bytes(row: Row) -> int:
    """What `row` takes in an answer, at most."""
    return len(row[0]) + len(row[1]) + MESSAGE_BYTES


class Walk:
    """One read. Holds no more rows than it returns: `limit` of them, of about `bytes_max` bytes, but always one if
    there is one, so that a caller who pages gets on."""

    def __init__(self, request: RangeRequest, bytes_max: int) -> None:
        """The request is well-formed (`refuse_shape`); which state is read is not looked at."""
        self._request = request
        self._rest: tuple[bytes, bytes | None] | None = span(request.key, request.range_end)
        """What was neither looked at nor counted yet."""
        self._seen = 0
        self._page = _page(request, bytes_max)
        self._is_complete = request.count_only

    def go_on(self, rows: Rows, room: Room) -> RangeResult | None:
        """Look at what there is room for; the result, once all was seen that has to be. `rows` are those of the same
        state each time. Takes a little more than the room there is, in the end: no more than one step."""
        while not room.is_spent:
            if not self._is_complete:
                self._look(rows, room)
            elif self._rest is not None and not self._request.without_count:
                self._count(rows, room)
            else:
                return self._result()
        return None

    def _look(self, rows: Rows, room: Room) -> None:
        """Until the page is complete, or the room is spent."""
        assert self._rest is not None
        (start, end), request, page = self._rest, self._request, self._page
        wanted = _filter(request)
        backwards = request.sort_target == BY_KEY and request.sort_order == DESCENDING
        values = request.sort_target == BY_VALUE or not request.keys_only
        with rows.scan(start, end, values=values, descending=backwards) as found:
            for row in found:
                if (wanted is None or wanted(row)) and not page.add(row):
                    self._is_complete = True
                    self._rest = (start, row.key + b"\0") if backwards else (row.key, end)
                    return
                self._seen += 1
                room.look_at(row)
                if room.is_spent:
                    self._rest = (start, row.key) if backwards else (row.key + b"\0", end)
                    return
        self._is_complete, self._rest = True, None

    def _count(self, rows: Rows, room: Room) -> None:
        """A part of what was not looked at: as many keys as there is room for, about."""
        assert self._rest is not None
        start, end = self._rest
        milestone = rows.milestone(start, end, min(room.left + 1, _COUNTED_AT_ONCE))
        count = rows.count(start, end if milestone is None else milestone)
        self._seen += count
        room.count(count)
        self._rest = None if milestone is None else (milestone, end)

    def _result(self) -> RangeResult:
        request = self._request
        rows: Sequence[Row] = () if request.count_only else list(self._page)
        if request.keys_only and request.sort_target == BY_VALUE:
            rows = [row._replace(value=b"") for row in rows]
        return RangeResult(rows, self._page.more, 0 if request.without_count else self._seen)


class _Page(Protocol):
    """The rows of an answer."""

    @property
    def more(self) -> bool:
        """Whether rows were left out after the last one."""

    def add(self, row: Row) -> bool:
        """A row in the order of the walk; whether another may still be wanted. One that gets False is not in it."""

    def __iter__(self) -> Iterator[Row]: ...


def _page(request: RangeRequest, bytes_max: int) -> _Page:
    if request.sort_target == BY_KEY:
        return _First(request.limit, bytes_max)
    return _Best(_ORDERS[request.sort_target], request.limit, bytes_max, descending=request.sort_order == DESCENDING)


class _First:
    """The first rows as they come."""

    def __init__(self, limit: int, bytes_max: int) -> None:
        self.more = False
        self._limit, self._room = limit, bytes_max
        self._rows: list[Row] = []

    def add(self, row: Row) -> bool:
        self._room -= answer_bytes(row)
        if self._rows and (len(self._rows) == self._limit or self._room < 0):
            self.more = True
            return False
        self._rows.append(row)
        return True

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


class _Best:
    """The first rows by an order."""

    def __init__(self, order: Order, limit: int, bytes_max: int, *, descending: bool) -> None:
        self._order, self._limit, self._bytes_max, self._descending = order, limit, bytes_max, descending
        self._rows = SortedKeyList(key=order)
        self._size = 0
        self._cut: Any = None

    @property
    def more(self) -> bool:
        return self._cut is not None

    def add(self, row: Row) -> bool:
        rank, cut, rows = self._order(row), self._cut, self._rows
        if cut is not None and (rank < cut if self._descending else rank > cut):
            return True  # left out even if it is small enough for what room is left: a page has no gaps
        rows.add(row)
        self._size += answer_bytes(row)
        while len(rows) > 1 and (self._size > self._bytes_max or len(rows) > self._limit > 0):
            dropped = rows.pop(0 if self._descending else -1)
            self._size -= answer_bytes(dropped)
            self._cut = self._order(dropped)
        return True

    def __iter__(self) -> Iterator[Row]:
        return reversed(self._rows) if self._descending else iter(self._rows)


def has_filters(request: RangeRequest) -> bool:
    """Whether it asks for some of the rows only, by their revisions."""
    return _filter(request) is not None


def _filter(request: RangeRequest) -> Callable[[Row], bool] | None:
    """Which rows the request asks for, by their revisions; None where that is all."""
    mod_min, mod_max = request.min_mod_revision, request.max_mod_revision or _NO_BOUND
    create_min, create_max = request.min_create_revision, request.max_create_revision or _NO_BOUND
    if not mod_min and not create_min and mod_max == create_max == _NO_BOUND:
        return None
    return lambda row: mod_min <= row.mod_revision <= mod_max and create_min <= row.create_revision <= create_max
