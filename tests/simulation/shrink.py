"""Takes away from a failing plan what its failure does not need: strikes, lasting faults, time, members, load.

A smaller plan counts if the same invariant breaks. Strikes and lasting faults go by delta debugging (Zeller and
Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"). Deterministic, as long as runs end it and not time.

Taking one thing away changes the moments of all that comes after it, so a bug that needs a rare coincidence shrinks
little: of its smaller plans most do not have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan, Strike
from tests.simulation.tier import Outcome

Part = TypeVar("Part")
MILLISECOND = 0.001
SECONDS_MIN = 1.0
LOAD_MIN = 1 / 8
"""What is smaller than these is no easier to understand."""


class Shrinker:
    """`best` is the smallest failing run so far; `runs` counts what it took."""

    def __init__(
        self,
        run: Callable[[Any], Outcome],
        failed: Outcome,
        runs_max: int = 300,
        seconds_max: float = 120.0,
        seconds: Callable[[], float] = perf_counter,
    ) -> None:
        """`run` lives through a plan of the same type as that of `failed`."""
        assert failed.failure is not None
        self.best = failed
        self.runs = 0
        self._run = run
        self._invariant = failed.failure.invariant
        self._runs_max = runs_max
        self._seconds = seconds
        self._end = seconds() + seconds_max

    def shrink(self) -> Outcome:
        """Go on until nothing more can be taken away, or the budget is spent."""
        before = None
        while before != self.best.plan:
            before = self.best.plan
            self._cut_short()
            self._take_parts()
            self._take_first(_smaller)
        return self.best

    def _fails(self, plan: Plan) -> bool:
        """Whether it does, within the budget. What fails becomes the best."""
        if self.runs >= self._runs_max or self._seconds() > self._end:
            return False
        self.runs += 1
        outcome = self._run(plan)
        if outcome.failure is None or outcome.failure.invariant != self._invariant:
            return False
        self.best = outcome
        return True

    def _cut_short(self) -> None:
        """End where it failed; and where that was after healing, heal earlier."""
        plan = self.best.plan
        if self.best.simulated_s < plan.duration_s:
            self._fails(_until(plan, self.best.simulated_s + MILLISECOND))
        self._take_first(_shorter)

    def _take_parts(self) -> None:
        plan = self.best.plan
        parts: list[Strike | Fault] = [*plan.strikes, *sorted(plan.lasting)]

        def fails(left: Sequence[Strike | Fault]) -> bool:
            return self._fails(
                replace(
                    plan,
                    strikes=tuple(part for part in left if isinstance(part, Strike)),
                    lasting=frozenset(part for part in left if isinstance(part, Fault)),
                )
            )

        if parts:
            minimize(parts, fails)

    def _take_first(self, smaller: Callable[[Plan], Iterator[Plan]]) -> None:
        """Go over to the first of the smaller plans that fails, again and again."""
        while any(self._fails(plan) for plan in smaller(self.best.plan)):
            pass


def minimize(parts: Sequence[Part], fails: Callable[[Sequence[Part]], bool]) -> Sequence[Part]:
    """A part of `parts`, which fail, that fails and of which no single element can be left out."""
    if fails(()):
        return ()
    pieces = 2
    while len(parts) > 1:
        for rest, pieces_of_rest in _rests(parts, pieces):
            if fails(rest):
                parts, pieces = rest, pieces_of_rest
                break
        else:
            if pieces >= len(parts):
                break
            pieces = min(pieces * 2, len(parts))
    return parts


def _rests(parts: Sequence[Part], pieces: int) -> Iterator[tuple[Sequence[Part], int]]:
    """Each piece alone, then all but one; and into how many pieces to cut that next."""
    size = -(-len(parts) // pieces)
    starts = range(0, len(parts), size)
    for start in starts:
        yield parts[start : start + size], 2
    if len(starts) > 2:
        for start in starts:
            yield [*parts[:start], *parts[start + size :]], max(pieces - 1, 2)


def _shorter(plan: Plan) -> Iterator[Plan]:
    for share in (0.25, 0.5, 0.75):
        if plan.duration_s * share >= SECONDS_MIN:
            yield _until(plan, plan.duration_s * share)


def _smaller(plan: Plan) -> Iterator[Plan]:
    for members in range(1, plan.members):
        yield replace(plan, members=members)
    if plan.load / 2 >= LOAD_MIN:
        yield replace(plan, load=plan.load / 2)


def _until(plan: Plan, duration_s: float) -> Plan:
    duration_s = round(duration_s, 3)
    return replace(
        plan,
        duration_s=duration_s,
        strikes=tuple(strike for strike in plan.strikes if strike.at_s < duration_s),
    )
