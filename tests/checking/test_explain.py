"""A violation reads like this."""

from __future__ import annotations

import textwrap

from ostraka.checking import Operation, Violation, check_linearizable
from tests.checking.histories import delete, failed_put, get, put


def violation(*history: Operation) -> Violation:
    found = check_linearizable(history).violation
    assert found is not None
    return found


def test_a_stale_read_is_explained_with_a_picture() -> None:
    found = violation(
        put(0, 1, b"a", 2), put(2, 5, b"b", 3), get(3, 4, b"b", 3), get(6, 8, b"a", 2), put(7, None, b"c")
    )
    assert str(found) == textwrap.dedent(
        """\
        key b'k': no order explains p2 get -> b'a' at revision 2
          the 3 operations that can be placed before leave the key b'b' at revision 3
             p1 put b'a' -> ok at revision 2  |--|
             p1 put b'b' -> ok at revision 3        |--------|
             p2 get -> b'b' at revision 3              |--|
          -> p2 get -> b'a' at revision 2                       |-----|
             p1 put b'c' -> unknown                                |----->"""
    )


def test_the_order_is_the_longest_that_was_possible() -> None:
    first, second, stale = put(0, 1, b"a"), put(2, 3, b"b"), get(4, 5, b"a")
    found = violation(first, second, stale, get(6, 7, b"b"))
    assert found.order == (first, second)
    assert found.held.value == b"b"
    assert found.culprit == stale


def test_the_culprit_is_found_by_the_times_that_callers_saw() -> None:
    # That the get saw revision 2 would have the put end with it; but it is the get that nobody can explain by then.
    impossible = get(5, 6, b"a", 2)
    found = violation(put(0, 1, b"x"), put(2, 3, b"y"), put(4, 9, b"a", 2), impossible)
    assert found.culprit == impossible


def test_what_a_read_value_came_from_is_named() -> None:
    assert "nobody put that value" in str(violation(get(0, 1, b"a")))
    assert "every put of that value had failed" in str(violation(failed_put(0, 1, b"a"), get(2, 3, b"a")))
    assert "that value was put only later" in str(violation(get(0, 1, b"a"), put(2, 3, b"a")))


def test_the_writer_of_a_stale_value_is_shown_however_long_ago_it_was() -> None:
    writes = [put(2 * i, 2 * i + 1, b"%d" % i) for i in range(100)]
    found = violation(*writes, get(300, 301, b"7"))
    assert writes[7] in found.window
    assert writes[98:] == list(found.window[-3:-1])
    assert len(found.window) < 10


def test_a_picture_stays_small_when_everything_overlaps() -> None:
    history = [put(i, None, b"%d" % i) for i in range(100)]
    deletes = [delete(200 + 2 * i, 201 + 2 * i, False) for i in range(30)]
    stale = get(300, 301, b"x" * 1000)
    found = violation(*history, *deletes, stale)
    assert len(found.window) == 16
    assert stale in found.window
    assert max(map(len, str(found).splitlines())) < 200
