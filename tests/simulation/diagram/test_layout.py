"""Time is told apart where much happens, and never runs backwards."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.simulation.diagram.layout import Axis
from tests.simulation.diagram.links import describe

AXIS = Axis([1.0, 1.001, 1.002, 5.0])


def test_a_short_time_takes_less_room_than_a_long_one_but_not_in_proportion() -> None:
    short, long = AXIS.height(1.001) - AXIS.height(1.0), AXIS.height(5.0) - AXIS.height(1.002)
    assert 5 < short < long < 10 * short


def test_between_two_moments_it_goes_evenly_and_beyond_them_not_at_all() -> None:
    assert AXIS.height(3.001) == pytest.approx((AXIS.height(1.002) + AXIS.height(5.0)) / 2)
    assert AXIS.height(0.0) == AXIS.height(1.0) == 0.0
    assert AXIS.height(9.0) == AXIS.height(5.0) == AXIS.end


def test_ticks_keep_their_distance() -> None:
    ticks = Axis([number / 1000 for number in range(100)]).ticks(40.0)
    assert len(ticks) > 5
    assert all(other - one >= 40.0 for (_, one), (_, other) in pairwise(ticks))


@pytest.mark.parametrize(
    ("links", "told"),
    [
        ([(1, 2), (2, 1), (1, 3), (3, 1)], "1 | 2 3"),
        ([(1, 3), (3, 1), (2, 3), (3, 2), (1, 2), (2, 1)], "1 | 2 | 3"),
        ([(2, 1), (2, 3)], "2 unheard"),
        ([(1, 3), (2, 3)], "3 deaf"),
        ([(1, 3), (3, 1)], "1-3"),
    ],
)
def test_blocked_links_in_words(links: list[tuple[int, int]], told: str) -> None:
    assert describe(links, [1, 2, 3]) == told
