"""The whole-cluster tier: nodes, SDK clients and all that is between them, on virtual time. Thorough."""

from __future__ import annotations

from tests.simulation.faults import Fault
from tests.simulation.recorder import Recorder
from tests.simulation.stack import plan as stack_plan
from tests.simulation.stack.live import Run
from tests.simulation.stack.plan import LASTING, SUDDEN, StackPlan
from tests.simulation.tier import Outcome, conclude


class StackTier:
    """See `tests.simulation.tier.Tier`."""

    name = "stack"
    faults = LASTING | SUDDEN

    def draw(self, seed: int, always: frozenset[Fault] = frozenset()) -> StackPlan:
        return stack_plan.draw(seed, always)

    def run(self, plan: StackPlan, recorder: Recorder | None = None) -> Outcome:
        run = Run(plan, recorder)
        return conclude(plan, run.timeline, run.trace, run.live)
