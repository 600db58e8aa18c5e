"""Check and definition agree on thousands of small runs, good and bad; larger good ones pass."""

from __future__ import annotations

import random

import pytest

from ostraka.checking.witness import Keyspace, check_witness
from tests.checking.witness.reference import is_explained
from tests.checking.witness.stores import Run, served, spoiled


def explained(run: Run) -> bool:
    return check_witness(Keyspace(), run.seen, run.decided) is None


@pytest.mark.parametrize("seed", range(8))
def test_verdict_is_the_definitions(seed: int) -> None:
    rng = random.Random(seed)
    verdicts = []
    for _ in range(500):
        run = served(rng, rng.randrange(2, 9))
        for _ in range(rng.randrange(3)):
            run = spoiled(rng, run)
        expected = is_explained(run)
        assert explained(run) is expected, run
        verdicts.append(expected)
    # Neither verdict is rare, or the comparison would show little.
    assert min(verdicts.count(True), verdicts.count(False)) > 100


@pytest.mark.parametrize("seed", range(40))
def test_a_good_run_passes(seed: int) -> None:
    rng = random.Random(seed)
    run = served(rng, 200, overlap=1 + seed)
    violation = check_witness(Keyspace(), run.seen, run.decided)
    assert violation is None, str(violation)
