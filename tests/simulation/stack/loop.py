"""An asyncio loop on virtual time: when no task can go on, the timeline makes its next call.

Everything that takes time is a call on the `Timeline`: timers of clocks, messages under way. The loop has no timers,
sockets or threads of its own. Tasks and futures have the numbers of their creation for hashes, since asyncio keeps some
of them in sets, which else would be gone through in order of memory addresses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from itertools import count
from typing import Any, TypeVar

from tests.livelock import Rounds
from tests.simulation.timeline import Timeline

T = TypeVar("T")

ROUNDS_MAX = 100_000
"""In a moment; a burst of calls takes a few hundred."""

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


class Loop(asyncio.BaseEventLoop):
    """What goes wrong in it with nobody looking is kept in `mishaps`, and ends the run at once."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, timeline: Timeline, started: Started) -> None:
        super().__init__()
        self._timeline = timeline
        self._numbers = count()
        self._started = started
        self._failure: BaseException | None = None
        self._winding_down = False
        self._rounds = Rounds(ROUNDS_MAX)
        self.mishaps: list[str] = []
        self.set_task_factory(_make_task)
        self.set_exception_handler(self._mishap)

    def create_future(self) -> asyncio.Future[Any]:
        return _Future(next(self._numbers), self)

    def _run_once(self) -> None:
        """In place of asyncio's, which would look at timers and sockets, and sleep."""
        assert not self._scheduled or self._winding_down, (
            "a timer of the loop's own: time comes from the injected Clock"
        )
        self._rounds.count(self._timeline.now)
        ready, step = self._ready, self._timeline.step
        while not ready and not self._winding_down:
            if not step():
                raise AssertionError("every task waits and no call is to come: this would hang for ever")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
        if not self._winding_down:
            self.check()

    def fail(self, why: BaseException) -> None:
        """End the run with it."""
        self._failure = self._failure or why

    def check(self) -> None:
        """Raise AssertionError for what went wrong with nobody looking, or what the run was told to end with."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self.mishaps:
            mishaps, self.mishaps = self.mishaps, []
            raise AssertionError("\n".join(mishaps))

    def wind_down(self) -> None:
        """End all tasks, however often they have to be told, and close; time does not go on any more."""
        self._winding_down = True
        try:
            while tasks := asyncio.all_tasks(self):
                for task in tasks:
                    task.cancel()
                self.call_soon(self.stop)
                self.run_forever()
        finally:
            self.close()

    def _write_to_self(self) -> None:
        """What asyncio does to wake a loop that waits in its selector."""

    def _mishap(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and error.__traceback__ is not None:
            context["where"] = _innermost(error)
        self.mishaps.append(f"{context}")


def _innermost(error: Exception) -> str:
    at = error.__traceback__
    assert at is not None
    while at.tb_next is not None:
        at = at.tb_next
    return f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}"


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
    try:
        result = loop.run_until_complete(loop.create_task(main))
    except BaseException:
        loop.wind_down()
        raise
    loop.wind_down()
    loop.check()
    return result
