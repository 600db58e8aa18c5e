from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from random import Random

import pytest

from bench.keys import key_numbers

DRAWS = 200_000


def _drawn(keys: int, theta: float, draws: int = DRAWS) -> Counter[int]:
    return Counter(islice(key_numbers(keys, theta, Random(1)), draws))


@pytest.mark.parametrize("theta", [0.0, 0.5, 0.99, 1.0, 1.3])
def test_frequencies_follow_the_law(theta: float) -> None:
    """Pearson's chi-square with 49 degrees of freedom: above 85.4 once in a thousand seeds."""
    keys = 50
    weights = [rank**-theta for rank in range(1, keys + 1)]
    expected = [DRAWS * weight / sum(weights) for weight in weights]
    drawn = _drawn(keys, theta)
    by_rank = [drawn[key] for key in _keys_by_rank(keys)] if theta else [drawn[key] for key in range(keys)]
    assert sum((seen - mean) ** 2 / mean for seen, mean in zip(by_rank, expected, strict=True)) < 85.4


def _keys_by_rank(keys: int) -> list[int]:
    """So skewed that the order of frequency is that of rank beyond doubt for the first ranks; the rest by stride."""
    first, second = (key for key, _ in _drawn(keys, 3.0).most_common(2))
    return [(first + rank * (second - first)) % keys for rank in range(keys)]


@pytest.mark.parametrize("keys", [1, 2, 3, 4, 10, 97, 100])
@pytest.mark.parametrize("theta", [0.0, 0.5])
def test_every_key_is_drawn_and_no_other(keys: int, theta: float) -> None:
    assert set(_drawn(keys, theta, draws=5000)) == set(range(keys))


def test_popular_keys_are_no_neighbours() -> None:
    popular = sorted(key for key, _ in _drawn(1000, 0.99).most_common(10))
    gaps = [following - key for key, following in pairwise(popular)]
    assert min(gaps) > 20


def test_same_seed_same_keys() -> None:
    assert list(islice(key_numbers(1000, 0.9, Random(7)), 50)) == list(islice(key_numbers(1000, 0.9, Random(7)), 50))
