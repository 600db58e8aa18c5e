"""Reads made in bites: what they answer, and how much each bite looks at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.v1.kv_pb2 import BY_MOD_REVISION, BY_VALUE, DESCENDING, RangeRequest, SortOrder, SortTarget
from ostraka_server.machine import RangeResult, Room, Row, Rows, Walk, read
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import delete, entry, put
from tests.machine.test_reading import REQUESTS, ROWS, ListOfRows


def every(**options: Any) -> RangeRequest:
    """Of all keys."""
    return RangeRequest(key=b"\0", range_end=b"\0", **options)


def bitten(rows: Rows, request: RangeRequest, bytes_max: int, bite_rows: int) -> tuple[RangeResult, int]:
    """What is answered in the end, and after how many bites."""
    walk, bites = Walk(request, bytes_max), 0
    while True:
        bites += 1
        found = walk.go_on(rows, Room(bite_rows))
        if found is not None:
            return found, bites


@given(ROWS, REQUESTS, st.integers(0, 400), st.integers(0, 3))
def test_bites_of_any_size_give_what_one_gives(
    rows: list[Row], request: RangeRequest, bytes_max: int, bite_rows: int
) -> None:
    found, _ = bitten(ListOfRows(rows), request, bytes_max, bite_rows)
    once = read(ListOfRows(rows), request, bytes_max)
    assert (list(found.rows), found.more) == (list(once.rows), once.more)
    assert found.count == (0 if request.without_count else once.count)


@pytest.mark.parametrize("order", [SortOrder.ASCENDING, DESCENDING])
@pytest.mark.parametrize("target", SortTarget.values())
def test_a_bite_looks_at_so_many_rows_whatever_the_order(
    target: SortTarget.ValueType, order: SortOrder.ValueType
) -> None:
    rows = ListOfRows([Row(b"%03d" % n, b"", n, n, 1) for n in range(1, 101)])
    request = every(sort_target=target, sort_order=order, min_mod_revision=1000, without_count=True)
    walk, most = Walk(request, 1 << 20), 0
    while walk.go_on(rows, Room(10)) is None:
        most = max(most, rows.rows_read)
        rows.rows_read = 0
    assert 10 <= most <= 12


def test_long_values_make_bites_short() -> None:
    rows = ListOfRows([Row(b"%d" % n, bytes(1 << 16), n, n, 1) for n in range(1, 9)])
    request = every(sort_target=BY_VALUE, limit=1)
    assert bitten(rows, request, 1 << 30, 100)[1] > 1
    keys = every(sort_target=BY_MOD_REVISION, keys_only=True)
    assert bitten(rows, keys, 1 << 30, 100)[1] == 1


def test_a_walk_holds_no_more_rows_than_it_will_return() -> None:
    rows = ListOfRows([Row(b"%03d" % n, bytes(100), n, n, 1) for n in range(1, 101)])
    walk = Walk(every(sort_target=BY_MOD_REVISION, sort_order=DESCENDING), 1000)
    assert walk.go_on(rows, Room(50)) is None
    assert 0 < len(list(walk._page)) <= 1000 // 100


def test_counting_is_divided_and_exact_whatever_of_it_is_flushed() -> None:
    machine, base = empty(), DictBase()
    machine = type(machine)(base, base.state)
    apply(machine, entry(*(put(b"%04d" % n) for n in range(0, 2000, 2))))
    flush(machine, base)
    apply(machine, entry(*(put(b"%04d" % n) for n in range(1, 1000, 2)), delete(b"1500", b"1600"), put(b"0002")))
    request = every(count_only=True)
    for revision, count in ((0, 1450), (1001, 1000), (1501, 1500)):
        rows = machine.rows_at(revision)
        assert not isinstance(rows, tuple)
        found, bites = bitten(rows, request, 1, 1)
        assert found.count == count
        assert bites > 10


def test_the_rest_of_a_page_is_counted_in_bites_too() -> None:
    rows = ListOfRows([Row(b"%04d" % n, b"", n, n, 1) for n in range(1, 1001)])
    found, bites = bitten(rows, every(limit=3), 1 << 20, 1)
    assert (len(found.rows), found.more, found.count) == (3, True, 1000)
    assert bites > 10
