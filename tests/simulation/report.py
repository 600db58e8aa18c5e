"""What is told of a run that failed: what broke, what happened before, and the line that makes it happen again."""

from __future__ import annotations

from tests.simulation.plan import Plan
from tests.simulation.subject import Subject
from tests.simulation.tier import Outcome

STRIKES_MAX = 20
"""So many are told one by one, the last ones."""


def describe(outcome: Outcome, subject: Subject) -> str:
    """Several lines."""
    assert outcome.failure is not None
    failure = outcome.failure
    return (
        f"last events of seed {outcome.plan.seed}:\n{''.join(failure.last_events)}"
        f"VIOLATION of {failure.invariant} after {outcome.simulated_s:.3f} s: {failure.detail}\n"
        f"{describe_plan(outcome.plan)}"
        f"again: {subject.command(outcome.plan)}"
    )


def describe_plan(plan: Plan) -> str:
    """Several lines: what lasts, then what strikes."""
    lasting = ", ".join(sorted(plan.lasting)) or "none"
    lines = [f"{plan.members} members; conditions: {lasting}; strikes: {len(plan.strikes)}"]
    if len(plan.strikes) > STRIKES_MAX:
        lines.append(f"  ... and {len(plan.strikes) - STRIKES_MAX} before")
    lines += [f"  {strike.number:>3}  {strike.at_s:8.3f} s  {strike.fault}" for strike in plan.strikes[-STRIKES_MAX:]]
    return "".join(f"{line}\n" for line in lines)
