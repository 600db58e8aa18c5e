"""Every bug put into the protocol is found, by an invariant that it breaks and within a few seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.mutants.hunt import Kill, hunt
from tests.simulation.mutants.notice import noticed
from tests.simulation.mutants.registry import MUTANTS, PENDING
from tests.simulation.mutants.score import GOALS, Verdict, published, render

SEEDS = 120


@pytest.mark.simulation
@pytest.mark.parametrize("name", MUTANTS)
def test_it_is_killed(name: str) -> None:
    kill = hunt(name, range(SEEDS))
    assert kill.seed is not None, f"{name}: not in {SEEDS} seeds; broken: {kill.others or 'nothing'}"


def test_every_goal_is_a_mutant_or_pending_and_none_is_both() -> None:
    numbers = {mutant.number for mutant in MUTANTS.values() if mutant.number}
    assert numbers | PENDING.keys() == set(range(1, GOALS + 1))
    assert not numbers & PENDING.keys()


FOUND = Kill("nonce constant", 13, "P10", 500.0, ())


def test_what_unit_tests_notice_or_no_seed_finds_does_not_count() -> None:
    assert Verdict(FOUND, noticed="", wall_s=1.0).counts
    assert not Verdict(FOUND, noticed="tests/x.py::test_y", wall_s=1.0).counts
    assert not Verdict(Kill("nonce constant", None, "", 500.0, ()), noticed="", wall_s=1.0).counts


BUG_IS_SEEN = """
from ostraka_server.paxos import adoption, electing

def test_it():
    assert electing.adopt is adoption.adopt
"""


def test_unit_tests_are_run_with_the_bug(tmp_path: Path) -> None:
    sees, sees_not = tmp_path / "test_sees.py", tmp_path / "test_sees_not.py"
    sees.write_text(BUG_IS_SEEN)
    sees_not.write_text("def test_it(): pass")
    assert noticed("nothing adopted", [str(sees)])
    assert not noticed("nothing adopted", [str(sees_not)])
    assert not noticed("nonce constant", [str(sees)])
    with pytest.raises(RuntimeError, match="did not run"):
        noticed("nothing adopted", [str(tmp_path / "missing.py")])


def test_what_is_published_has_a_line_for_each_bug() -> None:
    told = render(published([Verdict(FOUND, noticed="", wall_s=1.0)]))
    assert "1 of 1 seeded bugs killed; of the 24 goals 1, " in told
    assert "| 11 | nonce constant | killed | P10 | 13 | 500 |" in told
