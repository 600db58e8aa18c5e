"""Whom to ask for decided entries, and when."""

from __future__ import annotations

from ostraka_server.paxos.catchup import CatchUp

PATIENCE, TIMEOUT = 1.0, 5.0
NEVER = float("inf")


def behind(through: int = 10, source: int = 2, *, urgent: bool = False) -> CatchUp:
    catchup = CatchUp(PATIENCE, TIMEOUT)
    catchup.behind(source, through, now=0.0, urgent=urgent)
    return catchup


def test_who_is_level_asks_nobody() -> None:
    catchup = CatchUp(PATIENCE, TIMEOUT)
    assert catchup.due(100.0) is None and catchup.deadline == NEVER


def test_a_gap_gets_time_to_close_by_itself() -> None:
    catchup = behind()
    assert catchup.deadline == PATIENCE
    assert catchup.due(PATIENCE - 0.1) is None
    catchup.reached(10)
    assert catchup.due(PATIENCE) is None and catchup.deadline == NEVER


def test_patience_is_not_prolonged_by_hearing_more_of_the_same() -> None:
    catchup = behind(10)
    catchup.behind(3, 11, now=0.9)
    assert catchup.due(PATIENCE) == 3, "the latest that is known to be further"


def test_a_candidate_asks_at_once() -> None:
    assert behind(urgent=True).due(0.0) == 2


def test_one_fetch_is_under_way_at_a_time_and_repeated_when_unanswered() -> None:
    catchup = behind()
    assert catchup.due(PATIENCE) == 2
    catchup.behind(2, 20, now=PATIENCE, urgent=True)
    assert catchup.due(PATIENCE + TIMEOUT - 0.1) is None
    assert catchup.due(PATIENCE + TIMEOUT) == 2


def test_after_a_piece_the_next_fetch_goes_at_once() -> None:
    catchup = behind()
    catchup.due(PATIENCE)
    assert catchup.answered(2, now=2.0)
    catchup.reached(5)
    assert catchup.due(2.0) == 2


def test_what_was_not_asked_for_is_no_answer() -> None:
    catchup = behind()
    assert not catchup.answered(2, now=0.0)
    catchup.due(PATIENCE)
    assert not catchup.answered(3, now=2.0)
    assert catchup.answered(2, now=2.0)
    assert not catchup.answered(2, now=2.0), "a duplicate"


def test_reaching_part_of_the_way_is_not_the_end() -> None:
    catchup = behind(10)
    catchup.reached(9)
    assert catchup.due(PATIENCE) == 2
    catchup.reached(10)
    assert catchup.due(PATIENCE + TIMEOUT) is None


def test_who_begins_to_lead_wants_nothing_more() -> None:
    catchup = behind()
    catchup.due(PATIENCE)
    catchup.stop()
    assert catchup.due(100.0) is None and catchup.deadline == NEVER
    assert not catchup.answered(2, now=100.0), "an answer that is late"
