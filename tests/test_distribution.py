"""Sizes fall into buckets whose upper bounds are inclusive, as Prometheus's are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.distribution import Distribution, quadrupling, seconds


def test_bounds_are_inclusive_and_what_is_above_all_is_counted() -> None:
    sizes = Distribution((1, 4))
    for size in (0, 1, 1.5, 4, 4.5):
        sizes.observe(size)
    assert sizes.counts == [2, 2, 1]
    assert sizes.total == 11


@given(st.lists(st.floats(min_value=0, max_value=1e6)))
def test_every_observation_is_in_one_bucket(sizes: list[float]) -> None:
    distribution = seconds()
    for size in sizes:
        distribution.observe(size)
    assert sum(distribution.counts) == len(sizes)
    for place, bound in enumerate(distribution.bounds):
        assert sum(distribution.counts[: place + 1]) == sum(size <= bound for size in sizes)


@pytest.mark.parametrize(("last", "bounds"), [(1, (1,)), (4, (1, 4)), (5, (1, 4, 16))])
def test_quadrupling_ends_at_the_first_bound_that_holds_the_last_size(last: int, bounds: tuple[int, ...]) -> None:
    assert quadrupling(1, last).bounds == bounds


def test_bounds_must_rise() -> None:
    with pytest.raises(AssertionError, match="bounds rise"):
        Distribution((2, 1))
