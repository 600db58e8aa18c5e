"""Strikes are drawn once, and each has chance of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.nemesis import Nemesis
from tests.simulation.plan import Plan, Strike, draw_strikes
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

PLAN = Plan(
    seed=4,
    members=3,
    duration_s=10.0,
    lasting=frozenset(),
    strikes=(Strike(1, 1.0, Fault.CRASH), Strike(2, 2.0, Fault.PAUSE), Strike(3, 3.0, Fault.CRASH)),
)


def carried_out(plan: Plan, until_s: float = 10.0) -> dict[tuple[float, str], float]:
    """When and what, and a number that the deed draws."""
    timeline, drawn = Timeline(), dict[tuple[float, str], float]()

    def deed(name: str, random: Random) -> None:
        drawn[timeline.now, name] = random.random()

    nemesis = Nemesis(
        plan,
        timeline,
        Trace(timeline),
        {fault: lambda random, fault=fault: deed(fault, random) for fault in plan.faults},  # type: ignore[misc]
    )
    timeline.run_until(until_s)
    nemesis.stop()
    timeline.run_until(10.0)
    return drawn


def test_each_strike_is_carried_out_at_its_time() -> None:
    assert list(carried_out(PLAN)) == [(1.0, "crash"), (2.0, "pause"), (3.0, "crash")]


def test_once_stopped_the_nemesis_does_nothing_more() -> None:
    assert list(carried_out(PLAN, until_s=1.5)) == [(1.0, "crash")]


def test_leaving_a_strike_out_does_not_change_the_others() -> None:
    everything = carried_out(PLAN)
    left = carried_out(replace(PLAN, strikes=PLAN.strikes[1:]))
    assert left == {strike: number for strike, number in everything.items() if strike[0] > 1.0}
    assert len(set(everything.values())) == 3


def of(fault: Fault, strikes: Sequence[Strike]) -> list[float]:
    return [strike.at_s for strike in strikes if strike.fault is fault]


def test_strikes_come_in_order_numbered_and_about_as_often_as_asked_for() -> None:
    strikes = draw_strikes(1, {Fault.CRASH, Fault.PAUSE}, 2.0, 1000.0)
    assert [strike.number for strike in strikes] == list(range(1, len(strikes) + 1))
    assert all(one.at_s <= other.at_s < 1000.0 for one, other in pairwise(strikes))
    assert 400 < len(of(Fault.CRASH, strikes)) < 600


def test_another_class_in_the_plan_leaves_the_moments_of_one_as_they_are() -> None:
    alone, together = draw_strikes(1, {Fault.CRASH}, 2.0, 50.0), draw_strikes(1, {Fault.CRASH, Fault.PAUSE}, 2.0, 50.0)
    assert of(Fault.CRASH, alone) == of(Fault.CRASH, together)
    assert not set(of(Fault.CRASH, together)) & set(of(Fault.PAUSE, together))
