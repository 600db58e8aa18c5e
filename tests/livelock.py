"""Notices an event loop that turns for ever: round after round, and no time passes, or hardly any."""

from __future__ import annotations

MOMENT_S = 0.001
"""More than the nanosecond by which a timer is late that is set within the clock's resolution."""


class Rounds:
    """Of one event loop on virtual time."""

    def __init__(self, in_a_moment_max: int) -> None:
        self._max = in_a_moment_max
        self._began, self._count = 0.0, 0

    def count(self, now: float) -> None:
        """One more. AssertionError where there were too many in this moment."""
        if now - self._began > MOMENT_S:
            self._began, self._count = now, 0
        self._count += 1
        assert self._count < self._max, f"{self._max:,} rounds in less than {MOMENT_S} s: something turns for ever"
