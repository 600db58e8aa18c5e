"""An asyncio loop on virtual time: when no task can go on, the timeline makes its next call.

Everything that takes time is a call on the `Timeline`: timers of clocks, messages under way. The loop's own timers and
its sockets are not to be used, and say so. Tasks and futures have the numbers of their creation for hashes, since
asyncio keeps some of them in sets, which else would be gone through in order of memory addresses.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from itertools import count
from typing import Any, TypeVar

from tests.simulation.timeline import Timeline

T = TypeVar("T")

Started = Callable[[asyncio.Task[Any], Context], object]
"""Told of each task, with the context it runs in, when it is made."""


class _Future(asyncio.Future[Any]):
    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[Any]):
    def __init__(self, number: int, work: Any, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        self._number = number
        super().__init__(work, loop=loop, **options)

    def __hash__(self) -> int:
        return self._number


class _Selector(selectors.DefaultSelector):
    """Called whenever the loop has done all that it can do now."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None and not self._timeline.run_until(math.inf, lambda: True):
            raise AssertionError("every task waits and no call is to come: this would hang for ever")
        assert timeout is None or timeout <= 0, "a timer of the loop's own: time comes from the injected Clock"
        return []


class Loop(asyncio.SelectorEventLoop):
    """What goes wrong in it with nobody looking is kept in `mishaps`."""

    def __init__(self, timeline: Timeline, started: Started) -> None:
        self._numbers = count()
        self._started = started
        self.mishaps: list[str] = []
        super().__init__(_Selector(timeline))
        self.set_task_factory(_make_task)
        self.set_exception_handler(lambda _, context: self.mishaps.append(f"{context}"))

    def create_future(self) -> asyncio.Future[Any]:
        return _Future(next(self._numbers), self)


def _make_task(
    loop: asyncio.AbstractEventLoop, work: Any, *, context: Context | None = None, **options: Any
) -> asyncio.Task[Any]:
    assert isinstance(loop, Loop)
    context = copy_context() if context is None else context
    task = _Task(next(loop._numbers), work, loop, context=context, **options)
    loop._started(task, context)
    return task


def run(timeline: Timeline, main: Coroutine[Any, Any, T], started: Started = lambda task, context: None) -> T:
    """Run `main` to its end. Raises AssertionError where a task failed and nobody asked why."""
    loop = Loop(timeline, started)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main)
    assert not loop.mishaps, loop.mishaps
    return result
