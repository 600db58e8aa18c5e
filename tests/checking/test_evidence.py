"""What is settled before the search. That it changes no verdict is shown in test_against_reference.py."""

from __future__ import annotations

import math
import random

import pytest

from ostraka.checking import Operation, check_linearizable
from ostraka.checking.evidence import narrow, settle
from ostraka.checking.register import UNREAD, Effect
from tests.checking.histories import delete, failed_put, get, put, simulated

UNKNOWN = put(0, None, b"a")


def test_what_has_no_answer_is_left_out() -> None:
    assert settle([failed_put(0, 1, b"a")]) == []


def test_an_unknown_write_that_was_read_happened_before_the_first_read_returned() -> None:
    settled = settle([UNKNOWN, get(5, 8, b"a", 7), get(4, 6, b"a")])
    assert settled[0] == Effect(UNKNOWN, 0, 6, b"a", 7)


def test_an_unknown_write_is_undecided_if_another_put_the_same_value() -> None:
    settled = settle([UNKNOWN, put(1, 2, b"a"), get(3, 4, b"a")])
    assert settled[0].before == math.inf


def test_a_failed_put_of_the_same_value_leaves_no_doubt() -> None:
    assert settle([UNKNOWN, failed_put(1, 2, b"a"), get(3, 4, b"a")])[0].before == 4


def test_nobody_read_a_write_before_its_call() -> None:
    early = get(-2, -1, b"a")
    assert settle([UNKNOWN, early, get(3, 4, b"a")])[0].before == 4
    assert settle([UNKNOWN, early]) == settle([early])


@pytest.mark.parametrize(
    ("write", "other", "effects"),
    [
        (UNKNOWN, get(1, 2, b"b"), []),
        (UNKNOWN, delete(1, 2), []),
        (UNKNOWN, delete(1, 2, True), [Effect(UNKNOWN, 0, math.inf, UNREAD, None)]),
        (delete(0, None), get(1, 2, b"b"), []),
        (delete(0, None), get(1, 2, None), [Effect(delete(0, None), 0, math.inf, None, None)]),
        (delete(0, None), delete(1, 2, False), [Effect(delete(0, None), 0, math.inf, None, None)]),
        (delete(3, None), get(1, 2, None), []),
    ],
)
def test_an_unknown_write_counts_only_if_somebody_can_have_noticed(
    write: Operation, other: Operation, effects: list[Effect]
) -> None:
    assert [effect for effect in settle([write, other]) if effect.operation == write] == effects


def test_changes_are_held_to_the_order_of_their_revisions() -> None:
    history = [put(0, 9, b"b", 3), put(1, 8, b"a", 2), get(2, 5, b"a", 2), put(3, 7, b"c", 4)]
    times = {effect.operation.value: (effect.call, effect.before) for effect in narrow(settle(history)[:2])}
    assert times == {b"a": (1, 8), b"b": (1, 9)}
    narrowed = narrow(settle(history))
    assert [(effect.value, effect.call, effect.before) for effect in narrowed] == [
        (b"a", 1, 5),
        (b"a", 2, 5),
        (b"b", 2, 7),
        (b"c", 3, 7),
    ]


def test_times_that_contradict_revisions_are_left_as_they_are() -> None:
    history = [put(0, 1, b"a", 3), put(2, 3, b"b", 2)]
    assert sorted(effect.call for effect in narrow(settle(history))) == [0, 2]


@pytest.mark.parametrize("seed", range(5))
def test_with_revisions_there_is_next_to_nothing_to_search(seed: int) -> None:
    history = simulated(random.Random(seed), 500, overlap=20)
    result = check_linearizable(history)
    assert result.ok
    assert result.steps <= 1.1 * len(history)
