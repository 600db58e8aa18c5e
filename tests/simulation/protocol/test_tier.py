"""What the runner relies on: a plan is its seed's, a run is its plan's, and no run raises."""

from __future__ import annotations

import pytest

from ostraka_server.paxos.replica import Replica
from tests.simulation.faults import Fault
from tests.simulation.protocol.plan import draw
from tests.simulation.protocol.tier import ProtocolTier
from tests.simulation.tier import Failure

TIER = ProtocolTier()


def failure() -> Failure:
    found = TIER.run(draw(0)).failure
    assert found is not None
    return found


def test_an_error_of_the_code_under_test_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Replica, now: float) -> None:
        raise AssertionError("a round too many")

    monkeypatch.setattr(Replica, "tick", fail)
    assert failure().invariant == "assertion"
    assert "a round too many" in failure().detail


def test_a_clock_that_is_never_satisfied_does_not_hang_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replica, "tick", lambda self, now: None)
    assert "deadline in the past" in failure().detail


def test_seeds_differ_in_what_they_stand_for() -> None:
    plans = [draw(seed) for seed in range(50)]
    assert {plan.members for plan in plans} == {1, 3, 4, 5}
    assert len({plan.faults for plan in plans}) > 35
    assert {fault for plan in plans for fault in plan.faults} == TIER.faults
    assert draw(3) == draw(3)


def test_a_plan_has_the_faults_that_it_must_have() -> None:
    assert {Fault.DECAY, Fault.LOSS} <= draw(3, frozenset({Fault.DECAY, Fault.LOSS})).faults
