"""The protocol lives through seeded faults without breaking an invariant, and the simulator is not blind."""

from __future__ import annotations

import pytest

from tests.simulation.protocol.driver import Boundary
from tests.simulation.protocol.tier import ProtocolTier
from tests.simulation.report import describe
from tests.simulation.subject import Subject
from tests.simulation.swarm import Size, Summary, Unit, campaign

pytestmark = pytest.mark.simulation

SUBJECT = Subject("protocol")
CPU_MINUTES = 5.0
EVENTS = ("election", "nack", "catch-up", "no-op fill", "take-over")


@pytest.fixture(scope="module")
def summary() -> Summary:
    """What as many seeds amount to as fit."""
    return campaign(SUBJECT, Size(CPU_MINUTES, Unit.CPU_MINUTES))


def test_no_invariant_breaks(summary: Summary) -> None:
    assert not summary.failed, "\n".join(describe(outcome, SUBJECT) for outcome in summary.failed[:3])


def test_a_run_is_the_same_in_another_process_with_another_string_hash(summary: Summary) -> None:
    assert summary.repeated > 0
    assert summary.unrepeatable == []


@pytest.mark.parametrize("name", [*sorted(ProtocolTier.faults), *(each.value for each in Boundary), *EVENTS])
def test_everything_that_can_happen_happens(summary: Summary, name: str) -> None:
    assert summary.counts[name] > 0
