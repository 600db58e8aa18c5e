"""The search with a model of its own: a counter whose operations say what they made of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from ostraka.checking.wgl import search


class Add(NamedTuple):
    """Adds `amount`; `total` is what it answered."""

    call: float
    before: float
    amount: int
    total: int


class Counter:
    initial = 0

    def step(self, state: int, operation: Add) -> int | None:
        return operation.total if state + operation.amount == operation.total else None

    def is_read(self, operation: Add) -> bool:
        return operation.amount == 0


class Sum:
    """A counter that answers nothing to additions, and its total to reads."""

    initial = 0

    def step(self, state: int, operation: Add) -> int | None:
        return state + operation.amount if operation.amount or state == operation.total else None

    def is_read(self, operation: Add) -> bool:
        return operation.amount == 0


def test_the_order_found_explains_every_answer() -> None:
    first, second, read = Add(0, 9, 1, 1), Add(1, 8, 2, 3), Add(2, 3, 0, 1)
    found = search(Counter(), [second, read, first], 100)
    assert found.order == (first, read, second)
    assert found.state == 3
    assert found.culprit is None
    assert not found.gave_up


def test_no_order_goes_against_real_time() -> None:
    later, earlier = Add(2, 3, 1, 1), Add(0, 1, 2, 3)
    found = search(Counter(), [later, earlier], 100)
    assert found.culprit == earlier
    assert found.order == ()


def test_the_culprit_is_the_first_return_that_no_order_passes() -> None:
    good, open_ended, bad, after = Add(0, 1, 1, 1), Add(2, 9, 5, 6), Add(3, 4, 1, 7), Add(5, 6, 1, 99)
    found = search(Counter(), [good, open_ended, bad, after], 100)
    assert found.culprit == after
    assert found.order == (good, open_ended, bad)
    assert found.state == 7


def test_an_optional_operation_is_placed_only_where_it_is_needed() -> None:
    needed, spare = Add(0, math.inf, 1, 1), Add(0, math.inf, 5, 5)
    found = search(Counter(), [spare, needed, Add(1, 2, 1, 2)], 100)
    assert found.order == (needed, Add(1, 2, 1, 2))


def test_an_optional_operation_has_no_effect_before_its_call() -> None:
    found = search(Counter(), [Add(3, math.inf, 1, 1), Add(1, 2, 1, 2)], 100)
    assert found.culprit == Add(1, 2, 1, 2)


def test_optional_operations_that_do_the_same_or_nothing_are_not_all_tried() -> None:
    nothing = [Add(0, math.inf, 0, 0) for _ in range(9)]
    same = [Add(0, math.inf, 1, 0) for _ in range(9)]
    found = search(Sum(), [*nothing, *same, Add(1, 2, 0, -1)], 10_000)
    assert found.culprit == Add(1, 2, 0, -1)
    assert found.steps == len(same)


@pytest.mark.parametrize("max_steps", [0, 1, 2])
def test_the_budget_is_kept(max_steps: int) -> None:
    chain = [Add(0, 9, 1, total) for total in (1, 2, 3)]
    found = search(Counter(), chain, max_steps)
    assert found.gave_up
    assert found.steps == max_steps
    assert found.culprit is None
    assert not search(Counter(), chain, 3).gave_up


def test_a_configuration_is_tried_once() -> None:
    additions = [Add(0, 1, 1 << bit, 0) for bit in range(10)]
    wrong = Add(2, 3, 0, 7)
    found = search(Sum(), [*additions, wrong], 10_000)
    assert found.culprit == wrong
    assert found.steps == 2**10 - 1  # subsets, not the 10! orders


def test_reads_do_not_branch() -> None:
    reads = [Add(0, 1, 0, 0) for _ in range(20)]
    found = search(Sum(), [*reads, Add(2, 3, 0, 7)], 10_000)
    assert found.steps == len(reads)
