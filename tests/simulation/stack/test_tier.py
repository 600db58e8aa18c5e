"""Seeds of the whole-cluster tier: they pass, are repeatable anywhere, and every fault class does something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.faults import Fault
from tests.simulation.plan import draw_strikes
from tests.simulation.stack.elsewhere import digest_elsewhere
from tests.simulation.stack.plan import LASTING, SUDDEN, StackPlan
from tests.simulation.stack.tier import StackTier

pytestmark = pytest.mark.simulation

TIER = StackTier()
SECONDS = 8.0
TRIES = 4

NEEDS = {Fault.POWER_LOSS: {Fault.CRASH}, Fault.STALE_DISK: {Fault.SHORT_LOG}}
"""Classes that show only together with others."""


def only(fault: Fault, seed: int) -> StackPlan:
    """Three nodes and this class alone, often."""
    faults = {fault} | NEEDS.get(fault, set())
    plan = TIER.draw(seed)
    strikes = draw_strikes(seed, faults & SUDDEN, 0.7, SECONDS)
    return replace(plan, members=3, duration_s=SECONDS, lasting=frozenset(faults & LASTING), strikes=strikes)


@pytest.mark.parametrize("fault", sorted(TIER.faults))
def test_a_fault_class_alone_fires_and_breaks_nothing(fault: Fault) -> None:
    for seed in range(TRIES):
        outcome = TIER.run(only(fault, seed))
        assert outcome.failure is None, outcome.failure.detail
        if outcome.counts[fault]:
            return
    pytest.fail(f"it did nothing in {TRIES} seeds")


def digest(seed: int) -> str:
    """The event hash of a run with a bit of everything."""
    outcome = TIER.run(replace(TIER.draw(seed, TIER.faults), members=3, duration_s=6.0))
    assert outcome.failure is None, outcome.failure.detail
    return outcome.digest


def test_equal_seeds_are_equal_runs_and_others_are_not() -> None:
    first = digest(1)
    assert digest(1) == first
    assert digest(2) != first


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_another_process_and_another_hash_of_strings_change_nothing(hash_seed: str) -> None:
    assert digest_elsewhere(__name__, 3, hash_seed) == digest(3)
