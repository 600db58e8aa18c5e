from __future__ import annotations

import random

from ostraka.checking.timeline import Timeline


def test_the_window_holds_what_was_called_before_the_first_return() -> None:
    timeline = Timeline([0, 1, 4], [3, 2, 5])
    assert timeline.window() == ([0, 1], 1)
    timeline.remove(1)
    assert timeline.window() == ([0], 0)
    timeline.remove(0)
    assert timeline.window() == ([2], 2)
    timeline.remove(2)
    assert not timeline


def test_a_call_at_the_time_of_a_return_is_in_the_window() -> None:
    assert Timeline([0, 1], [1, 2]).window() == ([0, 1], 0)


def test_an_operation_may_return_at_the_time_of_its_call() -> None:
    assert Timeline([0, 0], [0, 0]).window() == ([0, 1], 0)


def test_what_was_removed_comes_back_where_it_was() -> None:
    rng = random.Random(0)
    calls = sorted(rng.random() for _ in range(20))
    timeline = Timeline(calls, [call + rng.random() for call in calls])
    before = []
    removed = rng.sample(range(20), 20)
    for operation in removed:
        before.append((timeline.first(), timeline.window()))
        timeline.remove(operation)
    assert timeline.first() == 20
    for operation in reversed(removed):
        timeline.restore(operation)
        assert (timeline.first(), timeline.window()) == before.pop()
