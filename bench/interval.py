"""What one second of load brought."""

from __future__ import annotations

from collections import Counter, defaultdict

from bench.histogram import Histogram
from bench.workload import Operation

NOT_STARTED = "NotStarted"
"""The class of an error: a call of an open loop for which no caller was free in time."""


class Interval:
    """Of the calls that ended within it: latencies from when they were due, and errors."""

    def __init__(self) -> None:
        self.latencies: defaultdict[Operation, Histogram] = defaultdict(Histogram)  # of those that succeeded
        self.errors: Counter[tuple[Operation, str]] = Counter()  # by operation and class
        self.lateness = Histogram()  # of an open loop: from when a call was due to its start

    def add(self, other: Interval) -> None:
        """Join what another process, or another second, brought."""
        for operation, latencies in other.latencies.items():
            self.latencies[operation].add(latencies)
        self.errors.update(other.errors)
        self.lateness.add(other.lateness)

    def all_latencies(self) -> Histogram:
        together = Histogram()
        for latencies in self.latencies.values():
            together.add(latencies)
        return together
