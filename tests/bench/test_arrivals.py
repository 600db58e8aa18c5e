from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import islice, pairwise
from random import Random

import pytest

from bench.arrivals import fixed, poisson


def _gaps(dues: Iterator[float], count: int) -> list[float]:
    return [later - earlier for earlier, later in pairwise(islice(dues, count + 1))]


def test_fixed_arrivals_are_evenly_spaced_from_within_the_first_gap_on() -> None:
    assert 7.0 <= next(fixed(200, 7.0, Random(1))) < 7.005
    assert _gaps(fixed(200, 7.0, Random(1)), 1000) == pytest.approx([0.005] * 1000)


def test_two_processes_do_not_arrive_together() -> None:
    assert next(fixed(200, 7.0, Random(1))) != next(fixed(200, 7.0, Random(2)))


def test_poisson_arrivals_have_gaps_as_long_as_they_vary() -> None:
    gaps = _gaps(poisson(200, 7.0, Random(1)), 100_000)
    assert min(gaps) > 0
    assert statistics.mean(gaps) == pytest.approx(0.005, rel=0.01)
    assert statistics.stdev(gaps) == pytest.approx(0.005, rel=0.01)
    within_mean = sum(gap <= 0.005 for gap in gaps) / len(gaps)
    assert within_mean == pytest.approx(0.632, abs=0.005)  # 1 - 1/e
