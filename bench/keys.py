"""Which keys a load asks for: all equally often, or a few of them most of the time."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, count, repeat
from random import Random

GOLDEN = (math.sqrt(5) - 1) / 2


def key_numbers(keys: int, theta: float, random: Random) -> Iterator[int]:
    """Numbers from 0 to `keys` - 1, for ever: zipfian with exponent `theta`, for 0 uniform."""
    return zipfian(keys, theta, random) if theta else uniform(keys, random)


def uniform(keys: int, random: Random) -> Iterator[int]:
    return (int(random.random() * keys) for _ in repeat(None))


def zipfian(keys: int, theta: float, random: Random) -> Iterator[int]:
    """The key of popularity rank r (1, 2, ...) is drawn with a probability proportional to r ** -theta.

    Exact and for any theta, by bisection in a table of 8 bytes a key. Ranks are spread over the numbers, so that
    popular keys are not neighbours, which would put them all into one shard.
    """
    cumulative = array("d", accumulate(rank**-theta for rank in range(1, keys + 1)))
    total = cumulative[-1]
    stride = next(number for number in count(max(1, round(GOLDEN * keys))) if math.gcd(number, keys) == 1)
    return (bisect_left(cumulative, random.random() * total) * stride % keys for _ in repeat(None))
