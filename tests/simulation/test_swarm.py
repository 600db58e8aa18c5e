"""A campaign runs what it was asked for, adds it up, and repeats a part of it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.subject import Subject
from tests.simulation.swarm import SAMPLED_EVERY, Size, Summary, Unit, campaign
from tests.simulation.tier import Outcome
from tests.simulation.workers import Ran, Task, carry_out

SUBJECT = Subject("protocol")


def ran(seed: int, *, cpu_s: float = 1.0) -> Ran:
    """A run of one hour."""
    return Ran(Outcome(SUBJECT.draw(seed), f"{seed:x}", 10, 3600.0, Counter(), None), cpu_s)


def summary(*runs: Ran) -> Summary:
    summary = Summary(SUBJECT)
    for each in runs:
        summary.add(each)
    return summary


@pytest.mark.parametrize(("unit", "done"), [(Unit.SEEDS, 3), (Unit.HOURS, 3), (Unit.CPU_MINUTES, 1.5)])
def test_the_size_of_a_campaign_is_counted_in(unit: Unit, done: float) -> None:
    assert Size(10, unit).done(summary(*(ran(seed, cpu_s=30) for seed in range(3)))) == done


def test_the_order_of_runs_counts_in_the_combined_hash() -> None:
    assert summary(ran(1), ran(2)).digest != summary(ran(2), ran(1)).digest


def test_a_campaign_runs_each_seed_once_and_a_sample_twice_wherever_they_run() -> None:
    size = Size(3, Unit.SEEDS)
    told = list[int]()
    one = campaign(SUBJECT, size, first=5, processes=1, progress=lambda summary: told.append(summary.runs))
    assert told == [1, 2, 3]
    assert (one.runs, one.repeated, one.unrepeatable) == (3, 1, [])
    assert one.digest == summary(*(carry_out(Task(SUBJECT, seed)) for seed in (5, 6, 7))).digest


def test_a_run_that_comes_out_otherwise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsteady(tasks: object, processes: object, hash_seed: int) -> object:
        yield Ran(Outcome(SUBJECT.draw(0), str(hash_seed), 1, 1.0, Counter(), None), 1.0)

    monkeypatch.setattr("tests.simulation.swarm.carry_out_all", unsteady)
    one = campaign(SUBJECT, Size(1, Unit.SEEDS))
    assert one.unrepeatable == [0]
    assert not one.passed


def test_one_run_in_fifty_is_repeated() -> None:
    assert 1 / SAMPLED_EVERY == 0.02
