"""What a RangeRequest asks for: which rows of a state, in which order, how many.

A page of a range in the order of keys, up or down, stops where it ends, and is had at once. What may have to see much
more than it answers is a `Walk`.
"""

from __future__ import annotations

from collections.abc import Iterable

from ostraka.v1.kv_pb2 import BY_KEY, DESCENDING, RangeRequest
from ostraka_server.machine.base import Row
from ostraka_server.machine.ranges import span
from ostraka_server.machine.results import RangeResult
from ostraka_server.machine.room import Room
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.walking import MESSAGE_BYTES, Walk, has_filters

_ALL = 1 << 48
"""Rows: more than there can be."""


def walks(request: RangeRequest) -> bool:
    """Whether it may have to see more of its range than it answers: for another order, a filter, or the count."""
    counts = bool(request.range_end) and not request.without_count
    return counts or request.sort_target != BY_KEY or has_filters(request)


def read(rows: Rows, request: RangeRequest, bytes_max: int) -> RangeResult:
    """The rows that `request` asks for, about `bytes_max` bytes of them at most, but always one if there is one: so
    that a caller who pages gets on. The request is well-formed (`refuse_shape`); which state is read is not looked at.

    `count` is of the whole range, whatever limit and filters; 0 where the request is `without_count`. All is done at
    once, a walk of the whole range included."""
    if request.count_only or walks(request):
        found = Walk(request, bytes_max).go_on(rows, Room(_ALL))
        assert found is not None, "there is room for all"
        return found
    start, end = span(request.key, request.range_end)
    backwards = request.sort_order == DESCENDING
    with rows.scan(start, end, values=not request.keys_only, descending=backwards) as each:
        page, more = _first(each, request.limit, bytes_max)
    return RangeResult(page, more, 0 if request.without_count else len(page))


def _first(found: Iterable[Row], limit: int, bytes_max: int) -> tuple[list[Row], bool]:
    """The first rows as they come, and whether there are more."""
    rows: list[Row] = []
    size = 0
    for row in found:
        size += len(row[0]) + len(row[1]) + MESSAGE_BYTES  # `answer_bytes`, whose call would cost more than the rest
        if rows and (len(rows) == limit or size > bytes_max):
            return rows, True
        rows.append(row)
    return rows, False
