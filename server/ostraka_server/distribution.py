"""How often a quantity had which size: what a Prometheus histogram shows, at the price of a binary search."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Distribution:
    """Counts by upper bounds, inclusive and rising; what is above the last one is counted as well."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        assert list(bounds) == sorted(set(bounds)), "bounds rise"
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        """Observations up to each bound and above the one before it; last those above all."""
        self.total = 0.0
        """The sum of everything observed."""

    def observe(self, size: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, size)] += 1
        self.total += size


def seconds() -> Distribution:
    """For durations: from 50 microseconds to 10 seconds."""
    return Distribution((5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10))


def quadrupling(first: int, last: int) -> Distribution:
    """For counts and bytes: `first`, four times that and so on, up to `last` or what first exceeds it."""
    bounds = [first]
    while bounds[-1] < last:
        bounds.append(4 * bounds[-1])
    return Distribution(bounds)
