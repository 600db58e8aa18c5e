"""Callers that put a target under load: the measuring loop of one process.

Rules:
1. The latency of a call counts from when it was due, not from when a caller was free to make it. So a target that
   stalls shows in every call that fell due meanwhile, and not only in those few that were in flight ("coordinated
   omission").
2. What fell due within the measured time counts, whenever it is answered; nothing else does.
3. What is due waits for a free caller for as long as a call may take, its timeout. Then it is not made at all and
   counts as an error, NOT_STARTED: so a backlog is bounded, and nothing of it is hidden.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from random import Random

from bench import arrivals
from bench.interval import NOT_STARTED, Interval
from bench.requests import Request, Target
from bench.workload import Workload
from ostraka.clock import Clock
from ostraka.errors import OstrakaError

INTERVAL_S = 1.0


class Driver:
    """One run; begins when made."""

    def __init__(
        self, target: Target, workload: Workload, requests: Iterator[Request], random: Random, clock: Clock
    ) -> None:
        """`random` is for the arrivals."""
        self._target = target
        self._callers = workload.callers
        self._timeout_s = workload.timeout_s
        self._open_loop = workload.rate_per_s > 0
        self._requests = requests
        self._clock = clock
        begin = clock.now()
        self._start = begin + workload.warm_up_seconds
        self._end = self._start + workload.seconds
        self._dues = _dues(workload, begin, random, clock)
        self._interval = Interval()

    async def run(self, emit: Callable[[Interval], object]) -> None:
        """Until the last answer. `emit` gets every second of the measured time once it is over, then the rest."""
        async with asyncio.TaskGroup() as tasks:
            reporting = tasks.create_task(self._report(emit))
            async with asyncio.TaskGroup() as callers:
                for _ in range(self._callers):
                    callers.create_task(self._call())
            reporting.cancel()
        emit(self._interval)

    async def _call(self) -> None:
        """One caller. All take what is due from the same sequence, and each waits until then."""
        for due in self._dues:
            if due >= self._end:
                return
            if self._open_loop and due > (now := self._clock.now()):
                await self._clock.sleep(due - now)
            request = next(self._requests)
            began = self._clock.now() if self._open_loop else due
            error: str | None = None
            try:
                if began - due < self._timeout_s:
                    await request.perform(self._target)
                else:
                    error = NOT_STARTED
            except OstrakaError as failure:
                error = type(failure).__name__
            if due >= self._start:
                self._count(request, due, began, error)

    def _count(self, request: Request, due: float, began: float, error: str | None) -> None:
        if error is None:
            self._interval.latencies[request.operation].record(self._clock.now() - due)
        else:
            self._interval.errors[request.operation, error] += 1
        if self._open_loop:
            self._interval.lateness.record(began - due)

    async def _report(self, emit: Callable[[Interval], object]) -> None:
        over = self._start
        while True:
            over += INTERVAL_S
            await self._clock.sleep(over - self._clock.now())
            interval, self._interval = self._interval, Interval()
            emit(interval)


def _dues(workload: Workload, begin: float, random: Random, clock: Clock) -> Iterator[float]:
    if workload.rate_per_s == 0:
        return arrivals.back_to_back(clock)
    schedule = arrivals.poisson if workload.arrivals == "poisson" else arrivals.fixed
    return schedule(workload.rate_per_s, begin, random)
