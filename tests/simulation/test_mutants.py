"""Every bug put into the protocol is found, by an invariant that it breaks and within a few seeds."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.protocol.tier import ProtocolTier

pytestmark = pytest.mark.simulation

SEEDS = 60
TIER = ProtocolTier()


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=name) for name, mutant in MUTANTS.items()])
def test_it_is_killed(mutant: Mutant) -> None:
    seen = set()
    with mutant.alive():
        for seed in range(SEEDS):
            failure = TIER.run(TIER.draw(seed, mutant.faults)).failure
            if failure is not None:
                seen.add(failure.invariant)
            if seen & mutant.invariants:
                return
    pytest.fail(f"none of {sorted(mutant.invariants)} broke in {SEEDS} seeds; broken: {sorted(seen) or 'nothing'}")
