"""What came of a load, in the figures that every report shows."""

from __future__ import annotations

from dataclasses import dataclass

from bench.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Figures:
    """Throughput and latencies of the calls that succeeded; where there are none, all of these are 0."""

    operations_per_s: float
    errors: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @classmethod
    def of(cls, latencies: Histogram, errors: int, seconds: float) -> Figures:
        def at(share: float) -> float:
            return latencies.at(share) * 1000 if latencies.count else 0.0

        return cls(latencies.count / seconds, errors, at(0.5), at(0.99), at(0.999), at(1.0))

    def cells(self) -> str:
        """As a row below HEADER."""
        latencies_ms = (self.p50_ms, self.p99_ms, self.p999_ms, self.max_ms)
        times = "".join(f"{ms:10.2f}" if self.operations_per_s else f"{'-':>10}" for ms in latencies_ms)
        return f"{self.operations_per_s:10,.0f}{times}{self.errors:9,}"


HEADER = f"{'/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'p99.9 ms':>10}{'max ms':>10}{'errors':>9}"
