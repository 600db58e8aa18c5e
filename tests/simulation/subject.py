"""What is simulated: a tier, as it is or with a bug put in."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from tests.simulation.excerpt import Excerpt
from tests.simulation.mutants.registry import MUTANTS
from tests.simulation.plan import Plan
from tests.simulation.recorder import Recorder
from tests.simulation.tier import Outcome, Tier
from tests.simulation.tiers import DEFAULT_TIER, TIERS


@dataclass(frozen=True, slots=True)
class Subject:
    """Both by name, so that another process can be told of it."""

    tier: str = DEFAULT_TIER
    mutant: str | None = None

    @property
    def the_tier(self) -> Tier[Any]:
        return TIERS[self.tier]

    def draw(self, seed: int) -> Plan:
        """The whole plan of a seed; with a bug, the faults that bring it out are always in it."""
        always = MUTANTS[self.mutant].faults if self.mutant else frozenset()
        plan: Plan = self.the_tier.draw(seed, always)
        return plan

    def run(self, plan: Plan, recorder: Recorder | None = None) -> Outcome:
        """See `Tier.run`."""
        with MUTANTS[self.mutant].alive() if self.mutant else nullcontext():
            return self.the_tier.run(plan, recorder)

    def command(self, plan: Plan) -> str:
        """The line that runs it again, be it drawn or shrunk."""
        words = ["make sim", f"SEED={plan.seed}"]
        if self.tier != DEFAULT_TIER:
            words.append(f"TIER={self.tier}")
        if self.mutant:
            words.append(f"MUTANT={shlex.quote(self.mutant)}")
        excerpt = str(Excerpt.between(self.draw(plan.seed), plan))
        return " ".join([*words, excerpt] if excerpt else words)
