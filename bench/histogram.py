"""Latencies in bounded memory: buckets that grow geometrically, as in HdrHistogram and DDSketch."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

SMALLEST_S: Final = 1e-6
GROWTH: Final = 1.02
"""Of each bucket over the one before. From SMALLEST_S to a thousand seconds it takes 1,047 of them."""
ERROR: Final = math.sqrt(GROWTH) - 1
"""How far, relative to it, a value that is read may be off: just under 1 %."""

_PER_E: Final = 1 / math.log(GROWTH)


class Histogram:
    """Seconds. A value is kept as the geometric middle of its bucket; one below SMALLEST_S counts as SMALLEST_S."""

    __slots__ = ("_buckets", "count", "longest_s")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.longest_s = 0.0  # exact

    def record(self, seconds: float) -> None:
        ratio = seconds / SMALLEST_S
        self._buckets[int(math.log(ratio) * _PER_E) if ratio > 1 else 0] += 1
        self.count += 1
        if seconds > self.longest_s:
            self.longest_s = seconds

    def add(self, other: Histogram) -> None:
        """As if everything that `other` recorded had been recorded here."""
        self._buckets.update(other._buckets)
        self.count += other.count
        self.longest_s = max(self.longest_s, other.longest_s)

    def at(self, share: float) -> float:
        """The seconds within which this share of the values lies (0.5: the median), with a relative error of at
        most ERROR; exact for 1. ValueError where nothing was recorded, or for a share outside of 0 to 1."""
        if not self.count or not 0 <= share <= 1:
            raise ValueError(f"no share {share} of {self.count} values")
        rank = max(1, math.ceil(share * self.count))
        if rank == self.count:
            return self.longest_s
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                break
        return min(SMALLEST_S * math.exp((bucket + 0.5) / _PER_E), self.longest_s)
