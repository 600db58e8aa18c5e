"""One machine's clocks: time may run fast, run slow and jump ahead, but never goes back; what people call it may."""

from __future__ import annotations

from tests.simulation.timeline import Timeline

NANOSECOND = 1e-9
BEGIN_MS = 1_800_000_000_000
"""What time it is when a run begins."""


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


class WallClock:
    """An `ostraka.clock.WallClock` that is as fast as the machine's own, and may be set to another time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._off_s = 0.0

    def unix_ms(self) -> int:
        return BEGIN_MS + int((self._clock.now() + self._off_s) * 1000)

    def put(self, seconds: float) -> None:
        """Show so much more, or less, from now on."""
        self._off_s += seconds
