"""What a failure does not need is taken away, and nothing that it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest

from tests.simulation.faults import Fault
from tests.simulation.mutants.hunt import hunt
from tests.simulation.plan import Plan
from tests.simulation.protocol.plan import draw
from tests.simulation.shrink import LOAD_MIN, SECONDS_MIN, Shrinker, minimize
from tests.simulation.subject import Subject
from tests.simulation.tier import Failure, Outcome

DRAWN = draw(12, frozenset({Fault.LOSS, Fault.DELAY, Fault.CRASH, Fault.PAUSE}))


def outcome(plan: Plan, invariant: str | None, at_s: float = 100.0) -> Outcome:
    failure = Failure(invariant, "", ()) if invariant else None
    return Outcome(plan, "", 0, at_s, Counter(), failure)


def shrink(invariant: Callable[[Plan], str | None], runs_max: int = 300) -> tuple[Plan, int]:
    """The smallest plan found for which it is the same as for the drawn one, and how many runs that took."""
    shrinker = Shrinker(lambda plan: outcome(plan, invariant(plan)), outcome(DRAWN, invariant(DRAWN)), runs_max)
    return shrinker.shrink().plan, shrinker.runs


def numbers(plan: Plan) -> list[int]:
    return [strike.number for strike in plan.strikes]


@pytest.mark.parametrize("needed", [set(), {0}, {17}, {3, 4}, {0, 31}, {2, 11, 25}, {0, 7, 14, 21}])
def test_delta_debugging_finds_what_is_needed(needed: set[int]) -> None:
    asked = list[Sequence[int]]()

    def fails(parts: Sequence[int]) -> bool:
        asked.append(parts)
        return needed <= set(parts)

    assert list(minimize(range(32), fails)) == sorted(needed)
    assert len(asked) < 200


def test_only_the_strikes_and_conditions_that_matter_stay() -> None:
    needed = {2, 5}

    def invariant(plan: Plan) -> str | None:
        return "P4" if needed <= set(numbers(plan)) and Fault.LOSS in plan.lasting else None

    plan, _ = shrink(invariant)
    assert numbers(plan) == [2, 5]
    assert plan.lasting == {Fault.LOSS}


def test_a_plan_of_no_help_is_made_as_small_as_is_sensible() -> None:
    plan, _ = shrink(lambda plan: "P4")
    assert (plan.strikes, plan.lasting, plan.members) == ((), frozenset(), 1)
    assert SECONDS_MIN <= plan.duration_s < 4 * SECONDS_MIN
    assert plan.load == LOAD_MIN


def test_members_and_load_stay_where_they_are_needed() -> None:
    plan, _ = shrink(lambda plan: "P4" if plan.members >= 3 and plan.load >= 0.5 else None)
    assert (plan.members, plan.load) == (3, 0.5)


def test_another_invariant_is_another_failure() -> None:
    plan, _ = shrink(lambda plan: "P4" if plan == DRAWN else "P5")
    assert plan == DRAWN


def test_what_strikes_after_the_failure_goes_first() -> None:
    failed = outcome(DRAWN, "P4", at_s=10.0)
    tried = list[Plan]()

    def run(plan: Plan) -> Outcome:
        tried.append(plan)
        return outcome(plan, None)

    Shrinker(run, failed).shrink()
    assert tried[0].duration_s == pytest.approx(10.001)
    assert numbers(tried[0]) == [strike.number for strike in DRAWN.strikes if strike.at_s < 10.001]


def test_the_budget_holds_in_runs_and_in_time() -> None:
    assert shrink(lambda plan: "P4", runs_max=5)[1] == 5
    ticking: Iterator[int] = count()
    failed = outcome(DRAWN, "P4")
    shrinker = Shrinker(lambda plan: failed, failed, seconds_max=5, seconds=lambda: next(ticking))
    assert shrinker.shrink() is failed
    assert shrinker.runs == 5


@pytest.mark.simulation
@pytest.mark.parametrize("name", ["accepted before sync", "own vote before sync", "nothing adopted"])
def test_a_mutants_schedule_shrinks_to_few_strikes(name: str) -> None:
    subject = Subject("protocol", name)
    seed = hunt(name, range(100)).seed
    assert seed is not None
    failed = subject.run(subject.draw(seed))
    small = Shrinker(subject.run, failed, seconds_max=600.0).shrink()
    assert failed.failure is not None and small.failure is not None
    assert small.failure.invariant == failed.failure.invariant
    assert len(small.plan.strikes) <= 3 < len(failed.plan.strikes)
    assert subject.run(small.plan) == small
