from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import ERROR, SMALLEST_S, Histogram

LATENCIES = st.lists(st.floats(SMALLEST_S, 1000), min_size=1)
SHARES = st.floats(0, 1)


def _of(latencies: list[float]) -> Histogram:
    histogram = Histogram()
    for latency in latencies:
        histogram.record(latency)
    return histogram


@given(LATENCIES, SHARES)
def test_a_percentile_is_within_the_error_of_the_exact_one(latencies: list[float], share: float) -> None:
    exact = sorted(latencies)[max(1, math.ceil(share * len(latencies))) - 1]
    assert _of(latencies).at(share) == pytest.approx(exact, rel=ERROR + 1e-9)


def test_the_error_is_below_a_hundredth() -> None:
    assert ERROR < 0.01


@given(LATENCIES, LATENCIES, SHARES)
def test_two_added_are_as_one_that_recorded_everything(first: list[float], second: list[float], share: float) -> None:
    together = _of(first)
    together.add(_of(second))
    both = _of(first + second)
    assert (together.count, together.at(share)) == (both.count, both.at(share))


def test_a_million_values_take_a_bounded_number_of_buckets() -> None:
    histogram = Histogram()
    for i in range(1_000_000):
        histogram.record(SMALLEST_S * 1e9 ** (i / 1_000_000))
    assert len(histogram._buckets) <= 1047


def test_what_is_too_short_to_tell_is_no_longer_than_it_was() -> None:
    assert _of([-1e-9, 0.0, 3e-9]).at(0.5) <= 3e-9


def test_the_longest_is_exact_and_nothing_is_longer() -> None:
    histogram = _of([0.001] * 99 + [0.0012345])
    assert histogram.at(1) == 0.0012345
    assert _of([0.1] * 3).at(0.5) <= 0.1


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_there_is_no_such_share(share: float) -> None:
    with pytest.raises(ValueError, match="no share"):
        _of([1.0]).at(share)


def test_nothing_recorded_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="0 values"):
        Histogram().at(0.5)
