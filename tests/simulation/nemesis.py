"""Carries out the strikes of a plan, each with chance of its own, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan, Strike
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

Deed = Callable[[Random], None]
"""Does what a fault class stands for, and counts it in the trace if it could."""


class Nemesis:
    """`deeds` has one for each class that strikes in the plan."""

    def __init__(self, plan: Plan, timeline: Timeline, trace: Trace, deeds: Mapping[Fault, Deed]) -> None:
        self.active = True
        self._plan = plan
        self._trace = trace
        self._deeds = deeds
        for strike in plan.strikes:
            timeline.at(strike.at_s, partial(self._carry_out, strike))

    def stop(self) -> None:
        """What has not struck yet never will."""
        self.active = False

    def _carry_out(self, strike: Strike) -> None:
        if self.active:
            self._trace.strike(strike.number, strike.fault)
            self._deeds[strike.fault](self._plan.random(f"strike {strike.number}"))
