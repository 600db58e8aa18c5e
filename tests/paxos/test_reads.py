"""Which answers confirm which reads."""

from __future__ import annotations

import pytest

from ostraka_server.paxos.reads import ReadRounds, Round


def rounds_with(*reads: int, others_needed: int = 1) -> ReadRounds:
    rounds = ReadRounds(others_needed)
    for read in reads:
        rounds.add(read)
    return rounds


def test_no_reads_no_round() -> None:
    assert not rounds_with().wants_round
    assert rounds_with().confirmed() is None


def test_one_round_covers_all_reads_that_wait() -> None:
    rounds = rounds_with(7, 8)
    rounds.begin(nonce=1, read_point=5)
    rounds.answered(2, 1)
    assert rounds.confirmed() == Round(1, 5, (7, 8))
    assert rounds.confirmed() is None and not rounds.wants_round


def test_a_read_during_a_round_waits_for_the_next() -> None:
    rounds = rounds_with(7)
    rounds.begin(1, 5)
    rounds.add(8)
    assert not rounds.wants_round, "one round at a time"
    rounds.answered(2, 1)
    assert rounds.confirmed() == Round(1, 5, (7,))
    assert rounds.wants_round
    rounds.begin(2, 6)
    assert rounds.confirmed() is None, "the answer to the first round is older than the second"
    rounds.answered(2, 2)
    assert rounds.confirmed() == Round(2, 6, (8,))


def test_a_replica_counts_once_however_often_it_answers() -> None:
    rounds = rounds_with(7, others_needed=2)
    rounds.begin(1, 5)
    rounds.answered(2, 1)
    rounds.answered(2, 1)
    assert rounds.confirmed() is None
    rounds.answered(3, 1)
    assert rounds.confirmed() is not None


def test_an_answer_to_a_later_nonce_confirms_earlier_rounds() -> None:
    rounds = rounds_with(7)
    rounds.begin(1, 5)
    rounds.answered(2, 4)
    assert rounds.confirmed() == Round(1, 5, (7,))


def test_a_late_answer_does_not_take_back_a_newer_one() -> None:
    rounds = rounds_with(7)
    rounds.begin(3, 5)
    rounds.answered(2, 3)
    rounds.answered(2, 1)
    assert rounds.confirmed() is not None


def test_answers_from_before_the_round_confirm_nothing() -> None:
    rounds = rounds_with(7)
    rounds.answered(2, 1)
    rounds.begin(2, 5)
    assert rounds.confirmed() is None


@pytest.mark.parametrize("nonce", [1, 2])
def test_a_nonce_that_was_answered_begins_no_round(nonce: int) -> None:
    rounds = rounds_with(7)
    rounds.answered(2, 2)
    with pytest.raises(AssertionError, match="used before"):
        rounds.begin(nonce, 5)


def test_alone_a_replica_is_its_own_quorum() -> None:
    rounds = rounds_with(7, others_needed=0)
    rounds.begin(1, 5)
    assert rounds.confirmed() == Round(1, 5, (7,))


def test_the_end_of_a_leadership_gives_all_reads_back() -> None:
    rounds = rounds_with(7)
    rounds.begin(1, 5)
    rounds.add(8)
    assert tuple(rounds.abandon()) == (7, 8)
    rounds.answered(2, 1)
    assert rounds.confirmed() is None and not rounds.wants_round
