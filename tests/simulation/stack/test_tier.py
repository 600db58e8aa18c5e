"""Seeds of the whole-cluster tier: they pass, are repeatable anywhere, and every fault class does something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.diagram.recording import Recording
from tests.simulation.faults import Fault
from tests.simulation.plan import draw_strikes
from tests.simulation.recorder import State
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


def test_a_recorded_run_is_the_same_run_and_shows_who_sends_what_and_who_leads() -> None:
    plan = replace(TIER.draw(1, TIER.faults), members=3, duration_s=6.0)
    recording = Recording()
    assert TIER.run(plan, recording).digest == digest(1)
    kinds = {arrow.kind for arrow in recording.arrows}
    assert {"Hello", "Prepare", "Accept", "Accepted", "Heartbeat", "put", "reply"} <= kinds
    assert {State.LEADS, State.DOWN} <= {span.state for span in recording.spans}
    assert {note.host for note in recording.notes if note.text.startswith("log ")} == {1, 2, 3}


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_another_process_and_another_hash_of_strings_change_nothing(hash_seed: str) -> None:
    assert digest_elsewhere(__name__, 3, hash_seed) == digest(3)
