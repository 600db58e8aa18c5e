"""Whole clusters live through a hundred seeds of random faults, anywhere alike, and all that can happen happens."""

from __future__ import annotations

import pytest

from tests.simulation.report import describe
from tests.simulation.stack.tier import StackTier
from tests.simulation.subject import Subject
from tests.simulation.swarm import Size, Summary, Unit, campaign

pytestmark = pytest.mark.simulation

SUBJECT = Subject("stack")
SEEDS = 100
EVENTS = (
    "snapshot installed", "refused by name", "ended by its disk", "connection lost by silence", "stall",
    "call ok", "call failed", "call unknown", "history searched",
    "read by strength", "compacted", "refused as compacted",
)  # fmt: skip


@pytest.fixture(scope="module")
def summary() -> Summary:
    """What they amount to."""
    return campaign(SUBJECT, Size(SEEDS, Unit.SEEDS))


def test_no_invariant_breaks(summary: Summary) -> None:
    assert not summary.failed, "\n".join(describe(outcome, SUBJECT) for outcome in summary.failed[:3])


def test_a_run_is_the_same_in_another_process_with_another_string_hash(summary: Summary) -> None:
    assert summary.repeated > 0
    assert summary.unrepeatable == []


@pytest.mark.parametrize("name", [*sorted(StackTier.faults), *EVENTS])
def test_everything_that_can_happen_happens(summary: Summary, name: str) -> None:
    assert summary.counts[name] > 0
