"""Time, injected: nothing in the SDK or the server reads a clock or sleeps in any other way.

In production a second is a second of CLOCK_BOOTTIME, which also counts while the machine is suspended
(`time.monotonic` and `loop.time` stop then, and a lease measured by them would be believed too long). In the
simulator every process has a clock of its own that can drift, jump and stop.
"""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Callable, Generator
from typing import Protocol


class Timer(Protocol):
    """A call that is yet to come."""

    def cancel(self) -> None:
        """Forget the call. Harmless once it has happened."""


class Clock(Protocol):
    """One process's time, in seconds from an arbitrary origin; never goes back."""

    def now(self) -> float:
        """Seconds since the clock's origin."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop once `now() >= when`."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds; at once, but not before other tasks ran, for zero or less."""


class WallClock(Protocol):
    """What people's clocks show. It may jump and go back: it tells when something was, never for how long."""

    def unix_ms(self) -> int:
        """Milliseconds since 1970."""


@types.coroutine
def next_turn() -> Generator[None]:
    """Let everything run that is ready; no time need pass."""
    yield


class BootClock:
    """CLOCK_BOOTTIME where there is one (Linux), else the monotonic clock."""

    def __init__(self) -> None:
        self._id: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now(self) -> float:
        return time.clock_gettime(self._id)

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class SystemWallClock:
    """This machine's."""

    def unix_ms(self) -> int:
        return time.time_ns() // 1_000_000
