"""What is left of a plan can be written in one line, and read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.excerpt import Excerpt, parse_keep, parse_without
from tests.simulation.faults import Fault
from tests.simulation.plan import Plan
from tests.simulation.protocol.plan import draw

DRAWN = draw(3, frozenset({Fault.LOSS, Fault.CRASH}))


def excerpt(left: Plan) -> Excerpt:
    return Excerpt.between(DRAWN, left)


def test_nothing_taken_away_is_an_empty_line() -> None:
    assert str(excerpt(DRAWN)) == ""
    assert Excerpt().of(DRAWN) == DRAWN


def test_everything_that_can_be_taken_away_is_told_and_found_again() -> None:
    left = replace(
        DRAWN, strikes=DRAWN.strikes[1:3], lasting=DRAWN.lasting - {Fault.LOSS}, duration_s=4.5, members=2, load=0.25
    )
    assert str(excerpt(left)) == "KEEP=2,3 WITHOUT=loss SECONDS=4.5 MEMBERS=2 LOAD=0.25"
    assert excerpt(left).of(DRAWN) == left


def test_no_strike_at_all() -> None:
    left = replace(DRAWN, strikes=())
    assert str(excerpt(left)) == "KEEP=none"
    assert excerpt(left).of(DRAWN) == left


@pytest.mark.parametrize(("text", "keep"), [("3,9", {3, 9}), ("none", set())])
def test_kept_strikes_are_read(text: str, keep: set[int]) -> None:
    assert parse_keep(text) == keep


def test_faults_are_read_by_name() -> None:
    assert parse_without("loss,power-loss") == {Fault.LOSS, Fault.POWER_LOSS}
    with pytest.raises(ValueError, match="rain"):
        parse_without("rain")
