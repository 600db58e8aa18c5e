"""Every bug put into what is around consensus is found, by an invariant that it breaks and within a few seeds."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import Mutant
from tests.simulation.stack.mutants import STACK_MUTANTS
from tests.simulation.stack.tier import StackTier

pytestmark = pytest.mark.simulation

SEEDS = 30
TIER = StackTier()


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=name) for name, mutant in STACK_MUTANTS.items()])
def test_it_is_killed(mutant: Mutant) -> None:
    seen = dict[str, int]()
    with mutant.alive():
        for seed in range(SEEDS):
            failure = TIER.run(TIER.draw(seed, mutant.faults)).failure
            if failure is not None:
                seen.setdefault(failure.invariant, seed)
            if seen.keys() & mutant.invariants:
                return
    pytest.fail(f"none of {sorted(mutant.invariants)} broke in {SEEDS} seeds; broken: {seen or 'nothing'}")
