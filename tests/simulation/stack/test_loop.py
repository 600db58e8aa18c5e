"""The deterministic loop and its processes: nothing real, nothing forgotten, nothing after death."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest

from ostraka.clock import next_turn
from tests.simulation.clock import Clock
from tests.simulation.stack import loop
from tests.simulation.stack.process import Process, adopt
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


def new_process(timeline: Timeline, clock: Clock | None = None) -> Process:
    return Process("process", timeline, Trace(timeline), clock or Clock(timeline), Random(1))


def run(timeline: Timeline, main: Coroutine[Any, Any, None]) -> None:
    loop.run(timeline, main, adopt)


def test_time_passes_only_from_one_call_to_the_next() -> None:
    timeline = Timeline()
    process = new_process(timeline)

    async def main() -> None:
        await process.clock.sleep(3600.0)
        assert process.clock.now() == pytest.approx(3600.0)

    run(timeline, main())


def test_what_would_hang_fails() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(AssertionError, match="hang for ever"):
        run(Timeline(), main())


def test_what_turns_for_ever_fails() -> None:
    timeline = Timeline()
    process = new_process(timeline)

    async def without_a_timer() -> None:
        while True:
            await next_turn()

    async def with_timers_that_are_overdue() -> None:
        while True:
            await process.clock.sleep(-1.0)

    for main in (without_a_timer, with_timers_that_are_overdue):
        with pytest.raises(AssertionError, match="turns for ever"):
            run(timeline, main())


def test_a_timer_of_the_loops_own_is_found_out() -> None:
    async def main() -> None:
        woken = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1.0, woken.set_result, None)
        await woken

    with pytest.raises(AssertionError, match="injected Clock"):
        run(Timeline(), main())


def test_an_error_that_nobody_asked_for_is_told_in_the_end() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait((task,))

    with pytest.raises(AssertionError, match="lost"):
        run(Timeline(), main())


def test_tasks_and_futures_stay_in_the_order_of_their_creation() -> None:
    async def nothing() -> None: ...

    async def main() -> None:
        tasks = [asyncio.create_task(nothing()) for _ in range(50)]
        assert list({*tasks}) == tasks
        await asyncio.gather(*tasks)

    run(Timeline(), main())


def test_a_dead_process_does_nothing_more() -> None:
    timeline = Timeline()
    process, witness = new_process(timeline), new_process(timeline)
    done: list[str] = []

    async def work() -> None:
        process.clock.call_at(2.0, lambda: done.append("timer"))
        child = asyncio.create_task(rest())
        await child
        done.append("parent")

    async def rest() -> None:
        await process.clock.sleep(2.0)
        done.append("child")

    async def main() -> None:
        process.start(work())
        await witness.clock.sleep(1.0)
        process.kill()
        await witness.clock.sleep(5.0)
        assert done == []

    run(timeline, main())


def test_a_processs_clock_may_be_slow_and_its_timers_with_it() -> None:
    timeline = Timeline()
    slow, true = Clock(timeline), new_process(timeline)
    slow.run_at(0.5)
    process = new_process(timeline, slow)
    rang: list[float] = []

    async def main() -> None:
        process.clock.call_at(1.0, lambda: rang.append(timeline.now))
        process.clock.call_at(3.0, lambda: rang.append(timeline.now))
        await true.clock.sleep(4.0)
        slow.run_at(0.25)  # 2 seconds have passed on it
        await true.clock.sleep(10.0)
        assert rang == pytest.approx([2.0, 8.0])

    run(timeline, main())
