"""A process: whatever was started in it, so that it can be killed as a whole; with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from tests.simulation.clock import Clock
from tests.simulation.timeline import Timeline

P = ParamSpec("P")
T = TypeVar("T")

_running: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """Tasks belong to the process in whose context they are made. Nothing happens in it once it is dead."""

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        """`clock`: the machine's, which outlives its processes."""
        self.alive = True
        self.clock = ProcessClock(self, timeline, clock)
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context = copy_context()
        self._context.run(_running.set, self)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something in it, from outside of any process."""
        assert self.alive
        return self._context.run(function, *args, **kwargs)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task in it, from wherever."""
        return asyncio.get_running_loop().create_task(work, context=self._context)

    def kill(self) -> None:
        """End it at once. The code that tasks run when they are cancelled reaches nobody any more."""
        self.alive = False
        for task in tuple(self._tasks):
            task.cancel()

    def _owns(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        if not self.alive:
            task.cancel()


def resolve(future: asyncio.Future[T], result: T) -> None:
    """Give the result, unless it is there already or nobody waits any more."""
    if not future.done():
        future.set_result(result)


def adopt(task: asyncio.Task[Any], context: Context) -> None:
    """Have a task that was just made belong to the process of its context, if any; for `loop.run`."""
    process = context.get(_running)
    if process is not None:
        process._owns(task)


@dataclass(slots=True)
class _Timer:
    """See `ostraka.clock.Timer`."""

    callback: Callable[[], object] | None

    def cancel(self) -> None:
        self.callback = None


class ProcessClock:
    """The process's `ostraka.clock.Clock`, on the timeline."""

    def __init__(self, process: Process, timeline: Timeline, clock: Clock) -> None:
        self._process = process
        self._timeline = timeline
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    def call_at(self, when: float, callback: Callable[[], object]) -> _Timer:
        timer = _Timer(callback)
        self._arm(when, timer)
        return timer

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self.call_at(self.now() + seconds, lambda: resolve(woken, None))
        await woken

    def _arm(self, when: float, timer: _Timer) -> None:
        self._timeline.at(self._clock.true_time(when), lambda: self._fire(when, timer))

    def _fire(self, when: float, timer: _Timer) -> None:
        callback = timer.callback
        if callback is None or not self._process.alive:
            return
        if self.now() < when:  # the clock was slowed down meanwhile
            self._arm(when, timer)
        else:
            timer.callback = None
            self._process.call(callback)
