"""The protocol lives through seeded faults without breaking an invariant, and the simulator is not blind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.protocol.driver import Boundary
from tests.simulation.protocol.tier import ProtocolTier
from tests.simulation.swarm import Summary, failure_report, run_seed, run_seeds

pytestmark = pytest.mark.simulation

SEEDS = 200
EVENTS = ("election", "nack", "catch-up", "no-op fill", "take-over")


@pytest.fixture(scope="module")
def summary() -> Summary:
    """What the first seeds amount to."""
    summary = Summary()
    for outcome in run_seeds("protocol", range(SEEDS)):
        summary.add(outcome)
    return summary


def test_no_invariant_breaks(summary: Summary) -> None:
    assert summary.runs == SEEDS
    assert not summary.failed, "\n".join(map(failure_report, summary.failed[:3]))


@pytest.mark.parametrize("name", [*sorted(ProtocolTier.faults), *(each.value for each in Boundary), *EVENTS])
def test_everything_that_can_happen_happens(summary: Summary, name: str) -> None:
    assert summary.counts[name] > 0


def stored_seeds() -> list[int]:
    lines = Path(__file__).parent.with_name("seeds.txt").read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def test_what_seeds_found_once_stays_repaired() -> None:
    for seed in stored_seeds():
        outcome = run_seed("protocol", seed)
        assert outcome.failure is None, failure_report(outcome)


def test_a_seed_gives_the_same_run_whatever_the_string_hash() -> None:
    def hashes(hash_seed: str) -> list[str]:
        finished = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seeds", "4", "--processes", "1", "--verbose"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [line for line in finished.stdout.splitlines() if line.startswith(("seed ", "event hash"))]

    assert len(hashes("1")) == 5
    assert hashes("1") == hashes("2")
