"""What a RangeRequest asks for: which rows of a state, in which order, how many.

A range in the order of keys, up or down, stops where its page ends. Every other order has to see all of the range,
but holds no more rows than it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
from ostraka_server.machine.rows import Rows

_MESSAGE_BYTES = 40
"""What a row takes in a message beside key and value, at most."""

_NO_BOUND = (1 << 64) - 1

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
    return len(row[0]) + len(row[1]) + _MESSAGE_BYTES


def read(rows: Rows, request: RangeRequest, bytes_max: int) -> RangeResult:
    """The rows that `request` asks for, about `bytes_max` bytes of them at most, but always one if there is one: so
    that a caller who pages gets on. The request is well-formed (`refuse_shape`); which state is read is not looked at.

    `count` is of the whole range, whatever limit and filters, and costs a walk of its own where not all of it is
    returned; 0 where the request is `without_count`."""
    start, end = span(request.key, request.range_end)
    if request.count_only:
        return RangeResult((), False, 0 if request.without_count else rows.count(start, end))
    by_value = request.sort_target == BY_VALUE
    wanted = _filter(request)
    backwards = request.sort_target == BY_KEY and request.sort_order == DESCENDING
    with rows.scan(start, end, values=by_value or not request.keys_only, descending=backwards) as found:
        page, more = _page(found if wanted is None else filter(wanted, found), request, bytes_max)
    if by_value and request.keys_only:
        page = [row._replace(value=b"") for row in page]
    if request.without_count:
        return RangeResult(page, more, 0)
    return RangeResult(page, more, len(page) if wanted is None and not more else rows.count(start, end))


def _filter(request: RangeRequest) -> Callable[[Row], bool] | None:
    """Which rows the request asks for, by their revisions; None where that is all."""
    mod_min, mod_max = request.min_mod_revision, request.max_mod_revision or _NO_BOUND
    create_min, create_max = request.min_create_revision, request.max_create_revision or _NO_BOUND
    if not mod_min and not create_min and mod_max == create_max == _NO_BOUND:
        return None
    return lambda row: mod_min <= row.mod_revision <= mod_max and create_min <= row.create_revision <= create_max


def _page(found: Iterable[Row], request: RangeRequest, bytes_max: int) -> tuple[list[Row], bool]:
    if request.sort_target == BY_KEY:
        return _first(found, request.limit, bytes_max)
    descending = request.sort_order == DESCENDING
    return _best(found, _ORDERS[request.sort_target], request.limit, bytes_max, descending=descending)


def _first(found: Iterable[Row], limit: int, bytes_max: int) -> tuple[list[Row], bool]:
    """The first rows as they come, and whether there are more."""
    rows: list[Row] = []
    size = 0
    for row in found:
        size += len(row[0]) + len(row[1]) + _MESSAGE_BYTES  # `answer_bytes`, whose call would cost more than the rest
        if rows and (len(rows) == limit or size > bytes_max):
            return rows, True
        rows.append(row)
    return rows, False


def _best(
    found: Iterable[Row], order: Order, limit: int, bytes_max: int, *, descending: bool
) -> tuple[list[Row], bool]:
    """The first rows by `order`, and whether there are more."""
    best = SortedKeyList(key=order)
    size, last, cut = 0, 0 if descending else -1, None
    for row in found:
        rank = order(row)
        if cut is not None and (rank < cut if descending else rank > cut):
            continue  # even if it is small enough for what room is left: a page has no gaps
        best.add(row)
        size += answer_bytes(row)
        while len(best) > 1 and (size > bytes_max or len(best) > limit > 0):
            dropped = best.pop(last)
            size, cut = size - answer_bytes(dropped), order(dropped)
    return list(reversed(best) if descending else best), cut is not None
