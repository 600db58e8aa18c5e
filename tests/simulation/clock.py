"""One process's clock: it may run fast, run slow and jump ahead, but never goes back."""

from __future__ import annotations

from tests.simulation.timeline import Timeline

NANOSECOND = 1e-9


class Clock:
    """Seconds from an arbitrary origin, as one process sees them."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._rate = 1.0
        self._then = self._since = timeline.now

    def now(self) -> float:
        """What this clock shows."""
        return self._then + (self._timeline.now - self._since) * self._rate

    def run_at(self, rate: float) -> None:
        """From now on this clock counts `rate` seconds a second."""
        self._then, self._since, self._rate = self.now(), self._timeline.now, rate

    def jump(self, seconds: float) -> None:
        """Show so much more at once: the machine was suspended."""
        self._then += seconds

    def true_time(self, when: float) -> float:
        """The time on the timeline from which this clock, if it goes on so, shows `when` or more.

        A nanosecond late rather than, by rounding, early: who is woken early only sets the same alarm again.
        """
        return self._timeline.now + max(0.0, when - self.now()) / self._rate + NANOSECOND
