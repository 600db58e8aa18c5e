"""The measuring loop on virtual time, against targets whose every latency is known."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from bench.driver import Driver
from bench.histogram import ERROR
from bench.interval import NOT_STARTED, Interval
from bench.requests import Target, requests
from bench.workload import Workload
from ostraka.clock import Clock
from ostraka.errors import NoLeader, OutcomeUnknown
from tests.bench.targets import SlowTarget
from tests.client.virtual_time import VirtualClock, virtual_time


async def _run(target: Target, workload: Workload, clock: Clock) -> list[Interval]:
    intervals: list[Interval] = []
    driver = Driver(target, workload, requests(workload, Random(1)), Random(2), clock)
    await driver.run(intervals.append)
    return intervals


def _sum(intervals: list[Interval]) -> Interval:
    total = Interval()
    for interval in intervals:
        total.add(interval)
    return total


# -- closed loop


@virtual_time
async def test_a_closed_loop_keeps_every_caller_busy(clock: VirtualClock) -> None:
    workload = Workload(mix={"put": 1}, callers=4, seconds=2, warm_up_seconds=0.5)
    target = SlowTarget(clock, 0.01)
    total = _sum(await _run(target, workload, clock))
    assert total.latencies["put"].count == pytest.approx(4 * 2 / 0.01, abs=4)
    assert total.latencies["put"].longest_s == pytest.approx(0.01)
    assert total.lateness.longest_s == 0
    assert len(target.calls) == pytest.approx(4 * 2.5 / 0.01, abs=8)  # the warm-up was load, but is not counted


@virtual_time
async def test_a_call_that_began_in_the_measured_time_counts_when_it_ends_later(clock: VirtualClock) -> None:
    workload = Workload(mix={"put": 1}, callers=1, seconds=1, warm_up_seconds=0)
    total = _sum(await _run(SlowTarget(clock, 0.001, stall=(0.5, 3.0)), workload, clock))
    assert total.latencies["put"].longest_s == pytest.approx(2.5, abs=0.002)


# -- open loop


@virtual_time
async def test_a_stall_shows_in_every_call_that_falls_due_meanwhile(clock: VirtualClock) -> None:
    """100 calls a second, and for one second no answers: 100 calls, of which the first waits a second and the last
    hardly at all. Two callers are enough to see it."""
    workload = Workload(mix={"put": 1}, callers=2, rate_per_s=100, arrivals="fixed", seconds=4, warm_up_seconds=0)
    total = _sum(await _run(SlowTarget(clock, 0.001, stall=(1.0, 2.0)), workload, clock))
    latencies = total.latencies["put"]
    assert latencies.count == 400
    assert latencies.longest_s == pytest.approx(1.0, abs=0.012)
    assert latencies.at(1 - 50 / 400) == pytest.approx(0.5, abs=0.06)  # half of the stalled calls wait longer
    assert latencies.at(0.5) == pytest.approx(0.001, rel=ERROR + 1e-6)
    assert total.lateness.longest_s == pytest.approx(1.0, abs=0.03)


@virtual_time
async def test_a_closed_loop_would_have_hidden_it(clock: VirtualClock) -> None:
    workload = Workload(mix={"put": 1}, callers=2, seconds=4, warm_up_seconds=0)
    total = _sum(await _run(SlowTarget(clock, 0.01, stall=(1.0, 2.0)), workload, clock))
    assert total.latencies["put"].at(0.99) == pytest.approx(0.01, rel=ERROR + 1e-6)


@virtual_time
async def test_calls_of_an_open_loop_overlap_as_far_as_there_are_callers(clock: VirtualClock) -> None:
    """A call takes ten times the gap between two: with twelve callers none is late, with one nearly all are."""
    workload = Workload(mix={"put": 1}, callers=12, rate_per_s=100, arrivals="fixed", seconds=1, warm_up_seconds=0)
    assert _sum(await _run(SlowTarget(clock, 0.1), workload, clock)).lateness.longest_s == pytest.approx(0, abs=1e-6)


@virtual_time
async def test_a_call_for_which_no_caller_is_free_in_time_is_an_error(clock: VirtualClock) -> None:
    """One caller makes 10 calls a second of the 100; whatever has waited for half a second is given up."""
    workload = Workload(
        mix={"get": 1}, callers=1, rate_per_s=100, arrivals="fixed", seconds=4, warm_up_seconds=0, timeout_s=0.5
    )
    total = _sum(await _run(SlowTarget(clock, 0.1), workload, clock))
    made = total.latencies["get"].count
    assert made == pytest.approx(10 * 4.5, abs=2)
    assert total.errors == {("get", NOT_STARTED): 400 - made}
    assert total.latencies["get"].longest_s == pytest.approx(0.6, abs=0.01)


@virtual_time
async def test_poisson_arrivals_come_at_the_rate_that_was_asked(clock: VirtualClock) -> None:
    workload = Workload(mix={"put": 1}, callers=100, rate_per_s=1000, seconds=10, warm_up_seconds=0)
    assert _sum(await _run(SlowTarget(clock, 0.001), workload, clock)).latencies["put"].count == pytest.approx(
        10_000, rel=0.03
    )


# -- what is told


@virtual_time
async def test_every_second_is_told_when_it_is_over_then_the_rest(clock: VirtualClock) -> None:
    workload = Workload(mix={"put": 1}, callers=10, rate_per_s=100, arrivals="fixed", seconds=3, warm_up_seconds=0.25)
    told: list[tuple[float, int]] = []
    driver = Driver(
        SlowTarget(clock, 0.05, stall=(1.25, 2.3)), workload, requests(workload, Random(1)), Random(2), clock
    )
    await driver.run(lambda interval: told.append((clock.now(), interval.all_latencies().count)))
    times, counts = zip(*told, strict=True)
    assert times == pytest.approx((1.25, 2.25, 3.25, 3.3), abs=0.01)
    assert sum(counts) == 300
    assert counts[1] <= 1  # the stall


@virtual_time
async def test_errors_are_told_by_operation_and_class_and_have_no_latency(clock: VirtualClock) -> None:
    class Failing(SlowTarget):
        async def put(self, key: str, value: bytes, /) -> None:
            await super().put(key, value)
            raise OutcomeUnknown("the connection broke")

        async def get(self, key: str, /) -> None:
            await super().get(key)
            raise NoLeader("nobody leads")

    workload = Workload(mix={"put": 1, "get": 1, "delete": 1}, callers=1, seconds=3, warm_up_seconds=0)
    total = _sum(await _run(Failing(clock, 0.01), workload, clock))
    assert set(total.errors) == {("put", "OutcomeUnknown"), ("get", "NoLeader")}
    assert set(total.latencies) == {"delete"}
    assert total.errors.total() + total.latencies["delete"].count == pytest.approx(300, abs=1)


@virtual_time
async def test_what_is_no_failure_of_the_cluster_ends_the_load(clock: VirtualClock) -> None:
    class Broken(SlowTarget):
        async def put(self, key: str, value: bytes, /) -> None:
            raise TypeError("a bug")

    workload = Workload(mix={"put": 1}, callers=2, seconds=1)
    with pytest.raises(ExceptionGroup) as raised:
        await _run(Broken(clock, 0.01), workload, clock)
    assert raised.group_contains(TypeError, match="a bug")
    assert asyncio.all_tasks() == {asyncio.current_task()}
