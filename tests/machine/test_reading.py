"""Which rows a RangeRequest gets, in which order: compared with sorting everything and cutting it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.v1.kv_pb2 import (
    ASCENDING,
    BY_CREATE_REVISION,
    BY_KEY,
    BY_MOD_REVISION,
    BY_VALUE,
    BY_VERSION,
    DESCENDING,
    ORDER_UNSPECIFIED,
    RangeRequest,
    SortTarget,
)
from ostraka_server.machine import RangeResult, Row, read
from ostraka_server.machine.walking import answer_bytes

TARGETS = {
    BY_KEY: "key",
    BY_VERSION: "version",
    BY_CREATE_REVISION: "create_revision",
    BY_MOD_REVISION: "mod_revision",
    BY_VALUE: "value",
}
ROWS = st.dictionaries(
    st.binary(min_size=1, max_size=2),
    st.tuples(st.binary(max_size=60), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    max_size=12,
).map(lambda rows: [Row(key, *rows[key]) for key in sorted(rows)])
REQUESTS = st.builds(
    RangeRequest,
    key=st.binary(min_size=1, max_size=2),
    range_end=st.sampled_from([b"", b"\0", b"\xff"]),
    limit=st.integers(0, 4),
    keys_only=st.booleans(),
    without_count=st.booleans(),
    sort_order=st.sampled_from([ORDER_UNSPECIFIED, ASCENDING, DESCENDING]),
    sort_target=st.sampled_from(sorted(TARGETS)),
    min_mod_revision=st.integers(0, 9),
    max_mod_revision=st.integers(0, 9),
    min_create_revision=st.integers(0, 9),
    max_create_revision=st.integers(0, 9),
)


class ListOfRows:
    """The simplest `Rows`."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.rows_read = 0

    def get(self, key: bytes) -> Row | None:
        return next((row for row in self._rows if row.key == key), None)

    @contextmanager
    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Row]]:
        yield self._read(start, end, values=values, descending=descending)

    def count(self, start: bytes, end: bytes | None) -> int:
        return sum(row.key >= start and (end is None or row.key < end) for row in self._rows)

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        inside = [row.key for row in self._rows if row.key >= start and (end is None or row.key < end)]
        return next(iter(inside[keys:]), None)

    def _read(self, start: bytes, end: bytes | None, *, values: bool, descending: bool) -> Iterator[Row]:
        for row in reversed(self._rows) if descending else self._rows:
            if row.key >= start and (end is None or row.key < end):
                self.rows_read += 1
                yield row if values else row._replace(value=b"")


def in_range(rows: Sequence[Row], request: RangeRequest) -> list[Row]:
    if not request.range_end:
        return [row for row in rows if row.key == request.key]
    return [
        row for row in rows if row.key >= request.key and (request.range_end == b"\0" or row.key < request.range_end)
    ]


def whole(rows: Sequence[Row], request: RangeRequest) -> list[Row]:
    """All that the request would get, were there no limit and no bound in bytes."""
    found = [
        row
        for row in in_range(rows, request)
        if row.mod_revision >= request.min_mod_revision
        and row.create_revision >= request.min_create_revision
        and (request.max_mod_revision == 0 or row.mod_revision <= request.max_mod_revision)
        and (request.max_create_revision == 0 or row.create_revision <= request.max_create_revision)
    ]
    found.sort(
        key=lambda row: (getattr(row, TARGETS[request.sort_target]), row.key), reverse=request.sort_order == DESCENDING
    )
    return [row._replace(value=b"") for row in found] if request.keys_only else found


@given(ROWS, REQUESTS)
def test_a_page_is_the_begin_of_all_sorted(rows: list[Row], request: RangeRequest) -> None:
    everything = whole(rows, request)
    found = read(ListOfRows(rows), request, 1 << 20)
    assert found.rows == everything[: request.limit or None]
    assert found.more == (len(found.rows) < len(everything))
    assert found.count == (0 if request.without_count else len(in_range(rows, request)))


@given(ROWS, REQUESTS, st.integers(0, 400))
def test_a_page_ends_before_the_row_that_would_not_fit_it(
    rows: list[Row], request: RangeRequest, bytes_max: int
) -> None:
    request.keys_only = False
    everything = whole(rows, request)
    found = read(ListOfRows(rows), request, bytes_max)
    fits = [n for n in range(len(everything) + 1) if sum(map(answer_bytes, everything[:n])) <= bytes_max]
    expected = min(max(1, fits[-1]), request.limit or len(everything), len(everything))
    assert found.rows == everything[:expected]
    assert found.more == (expected < len(everything))


@pytest.mark.parametrize("without_count", [False, True])
def test_count_only_counts_and_returns_nothing(*, without_count: bool) -> None:
    rows = ListOfRows([Row(b"%d" % n, b"", n, n, 1) for n in range(1, 6)])
    request = RangeRequest(key=b"1", range_end=b"\0", count_only=True, limit=2, max_mod_revision=2)
    request.without_count = without_count
    assert read(rows, request, 1) == RangeResult((), False, 0 if without_count else 5)


def test_ascending_by_key_reads_no_further_than_its_page() -> None:
    rows = ListOfRows([Row(b"%03d" % n, b"", n, n, 1) for n in range(1, 1000)])
    read(rows, RangeRequest(key=b"0", range_end=b"\0", limit=3, without_count=True), 1 << 20)
    assert rows.rows_read == 4


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_descending_order_is_the_ascending_one_reversed(target: SortTarget.ValueType) -> None:
    rows = ListOfRows([Row(b"%d" % n, b"%d" % (n % 2), n % 3 + 1, 5, n % 4 + 1) for n in range(9)])
    request = RangeRequest(key=b"0", range_end=b"\0", sort_target=target)
    ascending = read(rows, request, 1 << 20).rows
    request.sort_order = DESCENDING
    assert read(rows, request, 1 << 20).rows == ascending[::-1]
