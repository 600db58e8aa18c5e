"""Tests on virtual time: when every task waits, the clock jumps to the next timer. A test that would hang, fails."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

from ostraka.clock import Timer, next_turn
from tests.livelock import Rounds

ROUNDS_MAX = 200_000
"""In a moment; more than any test needs."""


class _Selector(selectors.DefaultSelector):
    """Never blocks: what would be waiting is a jump of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._rounds = Rounds(ROUNDS_MAX)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("every task waits and no timer is set: this would hang for ever")
        self.now += max(0.0, timeout)
        self._rounds.count(self.now)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Selector) -> None:
        self._virtual = selector
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual.now


class VirtualClock:
    """An `ostraka.clock.Clock` that begins at 0.0 and passes only while nothing else is to do."""

    def __init__(self, selector: _Selector, loop: asyncio.AbstractEventLoop) -> None:
        self._selector = selector
        self._loop = loop

    def now(self) -> float:
        return self._selector.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return self._loop.call_at(when, callback)

    async def sleep(self, seconds: float) -> None:
        woken = self._loop.create_future()
        self._loop.call_at(self.now() + max(0.0, seconds), woken.set_result, None)
        await woken


async def turns(count: int = 10) -> None:
    """Let the other tasks run for so many turns of the loop; no time passes."""
    for _ in range(count):
        await next_turn()


def virtual_time(test: Callable[[VirtualClock], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of an async function that takes the clock."""

    def run() -> None:
        selector = _Selector()
        loop = _Loop(selector)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(test(VirtualClock(selector, loop)))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run
