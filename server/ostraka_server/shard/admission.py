"""Which calls a node takes: bounded in number, in bytes, and by how long they would wait. Pure; the time comes in.

How long a new call would wait follows from Little's law: calls in flight, divided by those answered a second. Refused
by a queue's length alone, calls would wait for as long as a full queue takes; refused at their deadlines, they would
have cost all their work. A burst is welcome: only where it is large, or the wait has been too long for a while as in
CoDel (Nichols and Jacobson 2012), new calls are refused until it is short again.
"""

from __future__ import annotations

from math import inf
from typing import Protocol

ALWAYS_TAKEN, ALWAYS_TAKEN_BYTES = 400, 1 << 20
"""So many calls, of so many bytes, are in flight before their wait counts. They fill a turn well: with fewer a slow
node, or one whose peers are far, would be throttled for its latency. And one that answers none, for want of a leader
say, still takes them, and by answering them it learns how fast it is."""

ALWAYS_TAKEN_OF_ANY_SIZE = 2
"""So many calls are, whatever their bytes: one is received while the other is synced."""

BURST = 4
"""A burst may be so many times what may be in flight for long."""

WINDOW_S = 0.5
"""The rate of answers is measured over so long, the wait may be too long for as long before a call is refused, and
patience is back when none was refused for as long."""


class AdmissionLimits(Protocol):
    """What a node takes."""

    @property
    def calls_in_flight_max(self) -> int: ...
    @property
    def calls_in_flight_bytes_max(self) -> int: ...
    @property
    def wait_ms_max(self) -> int: ...


class Admission:
    """Counts a node's calls in and out. Every call that was taken is ended once."""

    def __init__(self, limits: AdmissionLimits, now: float) -> None:
        self._limits = limits
        self.in_flight = 0
        self.in_flight_bytes = 0
        """Of their commands as they came."""
        self._answered = 0  # in the window that began then
        self._window_began = now
        self._rates = (0.0, 0.0)  # of the last two windows, answers a second
        self._soon = 0.0  # so many calls in flight are answered within the longest wait
        self._long_since = inf  # the wait is too long, or calls are refused for it
        self._refused_at = -inf

    def full(self, size: int, now: float) -> str | None:
        """What a call of `size` bytes finds full, by the limit's name and value; None where it may be taken."""
        limits = self._limits
        if self.in_flight >= limits.calls_in_flight_max:
            return f"calls_in_flight_max ({limits.calls_in_flight_max})"
        if self.in_flight_bytes + size > limits.calls_in_flight_bytes_max:
            return f"calls_in_flight_bytes_max ({limits.calls_in_flight_bytes_max})"
        if self._waits_too_long(now):
            return f"wait_ms_max ({limits.wait_ms_max})"
        return None

    def take(self, size: int) -> None:
        """A call begins."""
        self.in_flight += 1
        self.in_flight_bytes += size

    def end(self, size: int) -> None:
        """It is answered."""
        self.in_flight -= 1
        self.in_flight_bytes -= size
        self._answered += 1

    def _waits_too_long(self, now: float) -> bool:
        if now - self._window_began >= WINDOW_S:
            self._measure(now)
        few = self.in_flight < ALWAYS_TAKEN and self.in_flight_bytes < ALWAYS_TAKEN_BYTES
        if few or self.in_flight < max(self._soon, ALWAYS_TAKEN_OF_ANY_SIZE):
            if now - self._refused_at >= WINDOW_S:  # else the overload goes on, and is not to be let in again
                self._long_since = inf
            return False
        self._long_since = min(self._long_since, now)
        if now - self._long_since < WINDOW_S and self._is_burst():
            return False
        self._refused_at = now
        return True

    def _is_burst(self) -> bool:
        calls = self.in_flight < BURST * max(self._soon, ALWAYS_TAKEN)
        return calls and self.in_flight_bytes < BURST * ALWAYS_TAKEN_BYTES

    def _measure(self, now: float) -> None:
        elapsed = now - self._window_began
        self._rates = (self._rates[1], self._answered / elapsed)
        self._answered, self._window_began = 0, now
        rate = sum(self._rates) / 2  # of two windows, since answers come in batches
        self._soon = rate * self._limits.wait_ms_max / 1000
