"""A part of what `python -m tests.simulation.stack.flips` does at full size."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.simulation.stack.decay import Target, draw
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.flips import Ending, Tally, figures, run_cases

pytestmark = pytest.mark.simulation


@pytest.mark.parametrize("seed", range(8))
def test_decay_of_one_disk_loses_nothing(seed: int) -> None:
    tally: Tally = Counter()
    run_cases(seed, 25, tally)
    assert tally.total() == 25
    assert {target for target, _ in tally} == set(Target)
    assert tally[Target.STORE, Ending.REPAIRED], "stores are had again"


def test_what_decays_can_be_healed() -> None:
    disk, random = Disk(), Random(1)
    disk.flushed({1: bytes(range(256)) * 64})
    before = disk.images[1]
    for _ in range(20):
        decay = draw(disk, Target.STORE, random)
        decay.strike(disk)
        assert disk.images[1] != before, decay
        decay.heal(disk)
        assert disk.images[1] == before


def test_the_figures_tell_cases_by_kind_and_ending() -> None:
    tally: Tally = Counter({(Target.MARK, Ending.RECOVERED): 3, (Target.MARK, Ending.REFUSED): 1})
    assert figures(tally) == {
        "cases": 4,
        "segment": "0 (recovered 0, repaired 0, refused 0)",
        "mark": "4 (recovered 3, repaired 0, refused 1)",
        "store": "0 (recovered 0, repaired 0, refused 0)",
    }
