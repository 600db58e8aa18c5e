"""Virtual time: a heap of calls that are yet to happen; those for the same instant in the order they were asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Timeline:
    """Seconds since the start of a run. Time passes only from one call to the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call at `when`, or now if that has passed."""
        self._asked += 1
        heapq.heappush(self._calls, (when if when > self.now else self.now, self._asked, call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        """Call in `delay` seconds."""
        self.at(self.now + delay, call)

    def step(self) -> bool:
        """Let time pass until the next call. False where none is to come."""
        if not self._calls:
            return False
        self.now, _, call = heapq.heappop(self._calls)
        call()
        return True

    def run_until(self, end: float, done: Callable[[], bool] | None = None) -> bool:
        """Let time pass until `end`, or until `done()` holds after some call. Returns whether it held."""
        calls = self._calls
        while calls and calls[0][0] <= end:
            self.now, _, call = heapq.heappop(calls)
            call()
            if done is not None and done():
                return True
        self.now = end
        return False
