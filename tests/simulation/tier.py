"""A tier of the simulator: something that a seed can be run on. Swarm, shrinking, diagrams and mutants know no more."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan
from tests.simulation.recorder import Recorder
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation

PlanT = TypeVar("PlanT", bound=Plan)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a run ended badly."""

    invariant: str
    detail: str
    last_events: tuple[str, ...]
    at: float | None = None
    """When it happened, where that was not at the end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run amounts to. `simulated_s` are virtual seconds."""

    plan: Plan
    digest: str
    events: int
    simulated_s: float
    counts: Counter[str]
    failure: Failure | None


class Tier(Protocol[PlanT]):
    """Runs depend on their plan alone, and a plan on its seed (and `always`) alone."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def faults(self) -> frozenset[Fault]:
        """Every class that a plan may have."""

    def draw(self, seed: int, always: frozenset[Fault] = frozenset()) -> PlanT:
        """The plan of a seed: a random subset of the fault classes, and those of `always`."""

    def run(self, plan: PlanT, recorder: Recorder | None = None) -> Outcome:
        """Live through a plan, drawn or shrunk. Never raises: a broken invariant is an outcome."""


def conclude(plan: Plan, timeline: Timeline, trace: Trace, live: Callable[[], None]) -> Outcome:
    """What `live()` amounts to. An error of the code under test is a finding like any other."""
    failure = None
    try:
        live()
    except Violation as violation:
        failure = Failure(violation.invariant, violation.detail, tuple(trace.last), violation.at)
    except Exception:
        failure = Failure("assertion", traceback.format_exc(), tuple(trace.last))
    return Outcome(plan, trace.digest, trace.events, timeline.now, trace.counts, failure)
