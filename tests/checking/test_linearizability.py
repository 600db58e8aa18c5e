"""The classics: for each anomaly the smallest history that shows it, beside the nearest one that is fine."""

from __future__ import annotations

import pytest

from ostraka.checking import Operation, Verdict, check_linearizable
from tests.checking.histories import delete, failed_put, get, put

GOOD: dict[str, list[Operation]] = {
    "nothing at all": [],
    "a key begins absent": [get(0, 1, None), delete(2, 3, False)],
    "a read of the last write": [put(0, 1, b"a", 2), get(2, 3, b"a", 2)],
    "a read beside a write sees the old value": [put(0, 1, b"a"), put(2, 5, b"b"), get(3, 4, b"a")],
    "a read beside a write sees the new value": [put(0, 1, b"a"), put(2, 5, b"b"), get(3, 4, b"b")],
    "two writes at once, either is the last": [put(0, 3, b"a"), put(1, 2, b"b"), get(4, 5, b"a"), get(6, 7, b"a")],
    "times that touch overlap": [put(0, 1, b"a"), get(1, 2, None)],
    "an unknown write that is never seen": [put(0, None, b"a"), get(1, 2, None), get(3, 4, None)],
    "an unknown write that is seen late": [put(0, None, b"a"), get(1, 2, None), get(3, 4, b"a")],
    "an unknown write that undoes a later one": [put(0, None, b"a"), put(1, 2, b"b"), get(3, 4, b"b"), get(5, 6, b"a")],
    "an unread unknown write is deleted": [put(0, None, b"a"), delete(1, 2, True, 3), get(3, 4, None)],
    "an unknown delete takes effect late": [put(0, 1, b"a"), delete(2, None), get(3, 4, b"a"), get(5, 6, None)],
    "an unknown delete that is needed later than it could have been": [
        put(0, 1, b"a", 3),
        delete(2, None),
        put(3, None, b"a"),
        get(4, 5, b"a", 5),
        put(6, 7, b"a", 6),
        get(8, 9, None),
    ],
    "a failed write is not there": [failed_put(0, 1, b"a"), get(2, 3, None)],
    "the same value twice": [put(0, 1, b"a", 2), put(2, 3, b"a", 3), get(4, 5, b"a", 3)],
    "an untold revision leaves room": [put(0, 1, b"a", 2), put(2, 3, b"b"), put(4, 5, b"c", 4)],
    "revisions order writes at once": [put(0, 5, b"a", 3), put(1, 4, b"b", 2), get(6, 7, b"a", 3)],
    "a delete that does not tell": [delete(0, 1), put(2, 3, b"a"), delete(4, 5), get(6, 7, None)],
    "an empty value is not absence": [put(0, 1, b"", 2), get(2, 3, b"", 2)],
}

BAD: dict[str, list[Operation]] = {
    "stale read": [put(0, 1, b"a"), put(2, 3, b"b"), get(4, 5, b"a")],
    "lost update": [put(0, 1, b"a"), put(2, 3, b"b"), get(4, 5, b"b"), get(6, 7, b"a")],
    "a write that vanished": [put(0, 1, b"a"), get(2, 3, None)],
    "read from the future": [get(0, 1, b"a"), put(2, 3, b"a")],
    "read from the future of an unknown write": [get(0, 1, b"a"), put(2, None, b"a")],
    "a value that nobody wrote": [put(0, 1, b"a"), get(2, 3, b"z")],
    "reads that go back": [put(0, 1, b"a"), put(2, 9, b"b"), get(3, 4, b"b"), get(5, 6, b"a")],
    "readers that disagree": [put(0, 9, b"a"), put(0, 9, b"b"), get(10, 11, b"a"), get(12, 13, b"b")],
    "a failed write that becomes visible": [failed_put(0, 1, b"a"), get(2, 3, b"a")],
    "an unknown write seen, then unseen": [put(0, None, b"a"), get(1, 2, b"a"), get(3, 4, None)],
    "an unknown write that happens twice": [
        put(0, None, b"a"),
        put(1, 2, b"b"),
        get(3, 4, b"a"),
        put(5, 6, b"c"),
        get(7, 8, b"a"),
    ],
    "an unknown delete that happens twice": [
        put(0, 1, b"a"),
        delete(2, None),
        get(3, 4, None),
        put(5, 6, b"b"),
        get(7, 8, None),
    ],
    "a deleted value is back": [put(0, 1, b"a"), delete(2, 3, True), get(4, 5, b"a")],
    "a delete misses what is there": [put(0, 1, b"a"), delete(2, 3, False)],
    "a delete finds what is not there": [put(0, 1, b"a"), delete(2, 3, True), delete(4, 5, True)],
    "a revision that falls": [put(0, 1, b"a", 3), put(2, 3, b"b", 2)],
    "a revision used twice": [put(0, 1, b"a", 2), put(2, 3, b"b", 2)],
    "a delete's revision that does not rise": [put(0, 1, b"a", 2), delete(2, 3, True, 2)],
    "a read names another change": [put(0, 1, b"a", 2), put(2, 3, b"a", 3), get(4, 5, b"a", 2)],
    "reads disagree on a revision": [put(0, 1, b"a"), get(2, 3, b"a", 2), get(4, 5, b"a", 3)],
    "no room between revisions": [put(0, 1, b"a", 2), put(2, 3, b"b"), put(4, 5, b"c", 3)],
    "writes at once, read against their revisions": [
        put(0, 5, b"a", 3),
        put(1, 4, b"b", 2),
        get(6, 7, b"b", 2),
    ],
}


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD.keys())
def test_what_an_atomic_register_does_is_linearizable(history: list[Operation]) -> None:
    result = check_linearizable(history)
    assert result.verdict is Verdict.LINEARIZABLE, str(result)
    assert result.ok


@pytest.mark.parametrize("history", BAD.values(), ids=BAD.keys())
def test_what_an_atomic_register_never_does_is_a_violation(history: list[Operation]) -> None:
    result = check_linearizable(history)
    assert result.verdict is Verdict.VIOLATION
    assert not result.ok


def test_keys_are_independent() -> None:
    assert check_linearizable([put(0, 1, b"a", key=b"x"), get(2, 3, None, key=b"y")]).ok


def test_a_violation_is_found_among_good_keys_and_the_smallest_is_reported() -> None:
    good = [put(0, 1, b"a", key=b"good"), get(2, 3, b"a", key=b"good")]
    small = [put(0, 1, b"a", key=b"small"), get(2, 3, None, key=b"small")]
    large = [*(put(2 * i, 2 * i + 1, b"%d" % i, key=b"large") for i in range(5)), get(20, 21, None, key=b"large")]
    result = check_linearizable([*large, *good, *small])
    assert result.violation is not None
    assert result.violation.key == b"small"


def test_a_search_that_gives_up_is_a_failure() -> None:
    history = [put(0, 10, b"%d" % i) for i in range(5)]
    result = check_linearizable(history, max_steps=3)
    assert result.verdict is Verdict.UNKNOWN
    assert not result.ok
    assert result.undecided == (b"k",)
    assert result.steps == 3
    assert "gave up on 1 keys, first b'k'" in str(result)
    assert check_linearizable(history, max_steps=5).ok


def test_the_budget_is_one_for_all_keys() -> None:
    history = [put(0, 10, b"%d" % i, key=key) for key in (b"x", b"y") for i in range(3)]
    result = check_linearizable(history, max_steps=5)
    assert result.undecided == (b"y",)
    assert result.steps == 5
    assert check_linearizable(history, max_steps=6).ok


def test_giving_up_on_one_key_does_not_hide_what_was_decided_before() -> None:
    bad = [put(0, 1, b"a", key=b"bad"), get(2, 3, None, key=b"bad")]
    large = [put(0, 10, b"%d" % i, key=b"large") for i in range(9)]
    assert check_linearizable([*large, *bad], max_steps=5).verdict is Verdict.VIOLATION
