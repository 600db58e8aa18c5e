"""What fired, and what fired together."""

from __future__ import annotations

from tests.simulation.coverage import Coverage, render
from tests.simulation.faults import Fault

LOSS, CRASH, PAUSE = Fault.LOSS, Fault.CRASH, Fault.PAUSE


def test_what_fires_is_added_up_by_class_and_by_pair() -> None:
    coverage = Coverage({LOSS, CRASH, PAUSE})
    coverage.add({LOSS: 7, CRASH: 2, "election": 3})
    coverage.add({LOSS: 1, CRASH: 0})
    assert coverage.rows() == [("F1", "loss", 8, 2), ("F9", "crash", 2, 1), ("F12", "pause", 0, 0)]
    assert coverage.never == [PAUSE]
    assert coverage.pairs == {(LOSS, CRASH): 1}
    assert coverage.pairs_never == [(LOSS, PAUSE), (CRASH, PAUSE)]
    assert "1 of 3 pairs of classes fired together; never, among others: loss and pause" in coverage.table()


def test_every_class_has_a_goal_that_it_belongs_to() -> None:
    assert all(fault.number[0] == "F" and fault.number[1:].isdecimal() for fault in Fault)


def test_what_is_published_has_a_line_for_each_class() -> None:
    coverage = Coverage({LOSS, CRASH})
    coverage.add({LOSS: 7000, CRASH: 2})
    told = render({"protocol": {"seeds": 300, "cluster-hours": 3.4, "failed": 0, **coverage.published()}})
    assert told.startswith("The protocol tier: 300 seeds, 3.4 hours simulated, 0 failed; 1 of 1 pairs")
    assert told.endswith("| F1 | loss | 7,000 | 1 |\n| F9 | crash | 2 | 1 |")
