"""A process: whatever was started in it, to be killed, paused and slowed down as a whole; with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial
from random import Random
from typing import Any, ParamSpec, TypeVar

from tests.simulation.clock import Clock
from tests.simulation.inbox import Inbox
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

P = ParamSpec("P")
T = TypeVar("T")

_running: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """Tasks belong to the process in whose context they are made. Nothing happens in it once it is dead.

    What comes from outside comes by `happen`. While it is paused that waits; afterwards the network comes first and
    the clock last: a process that looked at the clock first would never act on what it had believed before.
    """

    def __init__(self, name: str, timeline: Timeline, trace: Trace, clock: Clock, random: Random) -> None:
        """`clock`: the machine's, which outlives its processes."""
        self.name = name
        self.alive = True
        self.busy_s = 0.0
        """What each thing that happens costs it on average, in seconds of processor time."""
        self.clock = ProcessClock(self, timeline, trace, clock)
        self._timeline = timeline
        self._random = random
        self._inbox = Inbox(random)
        self._busy_until = 0.0
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context = copy_context()
        self._context.run(_running.set, self)

    @property
    def paused(self) -> bool:
        """Whether nothing happens in it at present."""
        return self._inbox.paused

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something in it, from outside of any process."""
        assert self.alive
        return self._context.run(function, *args, **kwargs)

    def happen(self, connection: str, call: Callable[[], object]) -> None:
        """Something arrives on a connection; in order on each of them. Nothing is said of different ones."""
        if not self.alive:
            return
        if self._inbox.paused:
            self._inbox.put(connection, partial(self._unless_dead, call))
        elif self.busy_s or self._busy_until > self._timeline.now:
            cost = self._random.expovariate(1 / self.busy_s) if self.busy_s else 0.0
            self._busy_until = max(self._busy_until, self._timeline.now) + cost
            self._timeline.at(self._busy_until, partial(self._unless_dead, call))
        else:
            self._context.run(call)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task in it, from wherever."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    def pause(self) -> None:
        """From now on nothing happens in it, until `resume`. Its clock goes on."""
        self._inbox.pause()

    def resume(self) -> None:
        """Make up for what was missed."""
        self._inbox.resume()
        self.clock.ring()

    def kill(self) -> None:
        """End it at once. The code that tasks run when they are cancelled reaches nobody any more."""
        self.alive = False
        for task in tuple(self._tasks):
            task.cancel()

    def _unless_dead(self, call: Callable[[], object]) -> None:
        if self.alive:
            self._context.run(call)

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


class _Timer:
    """See `ostraka.clock.Timer`."""

    __slots__ = ("_clock", "callback", "when")

    def __init__(self, clock: ProcessClock, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback = callback
        self._clock = clock

    def cancel(self) -> None:
        self._clock.timers.pop(self, None)

    def fire(self) -> None:
        self._clock.fire(self)


class ProcessClock:
    """The process's `ostraka.clock.Clock`, on the timeline."""

    def __init__(self, process: Process, timeline: Timeline, trace: Trace, clock: Clock) -> None:
        self.timers: dict[_Timer, None] = {}
        """Those that are neither cancelled nor over."""
        self._process = process
        self._timeline = timeline
        self._trace = trace
        self._clock = clock
        self.now = clock.now

    def call_at(self, when: float, callback: Callable[[], object]) -> _Timer:
        timer = _Timer(self, when, callback)
        self.timers[timer] = None
        self._timeline.at(self._clock.true_time(when), timer.fire)
        return timer

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self.call_at(self.now() + seconds, partial(resolve, woken, None))
        await woken

    def ring(self) -> None:
        """The clock was changed, or the process was paused: see to all timers anew."""
        for timer in tuple(self.timers):
            self._timeline.at(self._clock.true_time(timer.when), timer.fire)

    def fire(self, timer: _Timer) -> None:
        """For the timeline: the time has come, unless the clock was changed meanwhile."""
        process = self._process
        if timer not in self.timers or not process.alive or process.paused:
            return
        if self._clock.now() < timer.when:  # the clock was slowed down meanwhile
            self._timeline.at(self._clock.true_time(timer.when), timer.fire)
            return
        del self.timers[timer]
        self._trace.note(f"{process.name} timer")
        process.happen("clock", timer.callback)
