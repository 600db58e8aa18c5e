"""Virtual time, and a process's view of it."""

from __future__ import annotations

import pytest

from tests.simulation.clock import Clock
from tests.simulation.timeline import Timeline


def test_calls_happen_in_order_of_time_and_then_of_asking() -> None:
    timeline, happened = Timeline(), list[str]()
    timeline.at(2.0, lambda: happened.append("late"))
    timeline.at(1.0, lambda: happened.append("first"))
    timeline.at(1.0, lambda: happened.append("second"))
    timeline.run_until(1.5)
    assert happened == ["first", "second"]
    assert timeline.now == 1.5


def test_a_call_may_ask_for_calls() -> None:
    timeline, happened = Timeline(), list[float]()
    timeline.after(1.0, lambda: timeline.after(1.0, lambda: happened.append(timeline.now)))
    timeline.run_until(5.0)
    assert happened == [2.0]


def test_running_ends_with_the_call_that_makes_it_done() -> None:
    timeline, happened = Timeline(), list[int]()
    for second in range(1, 5):
        timeline.at(second, lambda: happened.append(len(happened)))
    assert timeline.run_until(10.0, lambda: len(happened) == 2)
    assert timeline.now == 2.0
    assert not timeline.run_until(10.0, lambda: False)


def test_a_clock_drifts_and_jumps_but_never_goes_back() -> None:
    timeline = Timeline()
    clock = Clock(timeline)
    timeline.run_until(10.0)
    clock.run_at(0.5)
    timeline.run_until(14.0)
    assert clock.now() == pytest.approx(12.0)
    clock.jump(3.0)
    assert clock.now() == pytest.approx(15.0)
    clock.run_at(10.0)
    assert clock.now() == pytest.approx(15.0)
    timeline.run_until(15.0)
    assert clock.now() == pytest.approx(25.0)


@pytest.mark.parametrize("rate", [0.1, 1.0, 7.3])
def test_at_the_true_time_of_an_instant_the_clock_shows_it(rate: float) -> None:
    timeline = Timeline()
    timeline.run_until(1000.1)
    clock = Clock(timeline)
    clock.run_at(rate)
    for when in (1000.1, 1000.7, 1234.567):
        timeline.run_until(clock.true_time(when))
        assert when <= clock.now() <= when + 1e-6
