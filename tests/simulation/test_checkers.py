"""The checkers see what breaks, and nothing where nothing does. Three replicas, so two votes choose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.agreement import Agreement
from tests.simulation.execution import EMPTY_DIGEST, Execution, next_digest
from tests.simulation.history import History
from tests.simulation.violation import Violation

LOW, HIGH, HIGHER = (1, 1, 1), (1, 2, 2), (1, 3, 3)


def broken(invariant: str, act: Callable[[], object]) -> None:
    with pytest.raises(Violation) as seen:
        act()
    assert seen.value.invariant == invariant


def chosen(*payloads: bytes) -> Agreement:
    """These payloads chosen at LOW from slot 1 on."""
    agreement = Agreement(quorum=2)
    for slot, payload in enumerate(payloads, 1):
        agreement.voted(1, slot, LOW, payload)
        agreement.voted(2, slot, LOW, payload)
    return agreement


def test_two_votes_of_three_choose_and_one_cast_twice_does_not() -> None:
    agreement = Agreement(quorum=2)
    for replica, expected in ((1, False), (1, False), (2, True), (3, True)):
        agreement.voted(replica, 1, LOW, b"a")
        assert agreement.is_chosen(1, b"a") is expected


def test_votes_of_different_ballots_do_not_add_up() -> None:
    agreement = Agreement(quorum=2)
    agreement.voted(1, 1, LOW, b"a")
    agreement.voted(2, 1, HIGH, b"a")
    assert not agreement.chosen


def test_the_chosen_prefix_ends_before_the_first_hole() -> None:
    agreement = chosen(b"a")
    for replica in (1, 2):
        agreement.voted(replica, 3, LOW, b"c")
    assert agreement.chosen_through == 1
    for replica in (1, 2):
        agreement.voted(replica, 2, LOW, b"b")
    assert agreement.chosen_through == 3


def test_p1_a_promise_that_falls() -> None:
    agreement = Agreement(quorum=2)
    agreement.promised(1, HIGH)
    agreement.promised(2, LOW)
    broken("P1", lambda: agreement.promised(1, LOW))


def test_p2_a_vote_below_the_promise_also_one_that_a_vote_implied() -> None:
    agreement = Agreement(quorum=2)
    agreement.promised(1, HIGH)
    broken("P2", lambda: agreement.voted(1, 1, LOW, b"a"))
    agreement.voted(2, 1, HIGH, b"a")
    broken("P2", lambda: agreement.voted(2, 2, LOW, b"b"))


def test_a_promise_that_was_told_binds_though_the_disk_forgot_it() -> None:
    agreement = Agreement(quorum=2)
    agreement.told(1, HIGH)
    agreement.told(1, LOW)  # one made earlier may be told later
    broken("P1", lambda: agreement.promised(1, LOW))
    broken("P2", lambda: agreement.voted(1, 1, LOW, b"a"))


def test_p3_two_payloads_for_a_slot_and_ballot() -> None:
    agreement = Agreement(quorum=2)
    agreement.proposed(1, LOW, b"a")
    agreement.proposed(1, HIGH, b"b")
    broken("P3", lambda: agreement.voted(3, 1, LOW, b"b"))


def test_p4_a_second_choice_below_the_first() -> None:
    agreement = Agreement(quorum=2)
    for replica in (1, 2):
        agreement.voted(replica, 1, HIGH, b"b")
    agreement.voted(3, 1, LOW, b"a")
    broken("P4", lambda: agreement.voted(4, 1, LOW, b"a"))


def test_p5_a_proposal_against_what_a_lower_ballot_chose() -> None:
    agreement = chosen(b"a")
    agreement.proposed(1, HIGH, b"a")
    broken("P5", lambda: agreement.proposed(1, HIGHER, b"b"))


def test_p5_a_choice_against_what_a_higher_ballot_had_proposed() -> None:
    agreement = Agreement(quorum=2)
    agreement.proposed(1, HIGH, b"b")
    agreement.voted(1, 1, LOW, b"a")
    broken("P5", lambda: agreement.voted(2, 1, LOW, b"a"))


def test_a_proposal_below_the_ballot_that_chose_may_differ() -> None:
    agreement = Agreement(quorum=2)
    for replica in (1, 2):
        agreement.voted(replica, 1, HIGH, b"b")
    agreement.proposed(1, LOW, b"a")
    assert agreement.is_chosen(1, b"b")


def test_p13_a_command_chosen_twice_but_no_ops_as_often_as_they_come() -> None:
    agreement = chosen(b"", b"", b"a")
    agreement.voted(1, 4, LOW, b"a")
    broken("P13", lambda: agreement.voted(2, 4, LOW, b"a"))


def test_a_no_op_where_a_command_was_proposed_is_told_from_other_no_ops() -> None:
    agreement = Agreement(quorum=2)
    agreement.proposed(1, LOW, b"a")
    assert agreement.replaces_command(1, HIGH, b"")
    assert not agreement.replaces_command(1, HIGH, b"a")
    assert not agreement.replaces_command(2, HIGH, b"")
    agreement.proposed(1, HIGH, b"")
    assert not agreement.replaces_command(1, HIGH, b"")


A = next_digest(EMPTY_DIGEST, b"a")
AB = next_digest(A, b"b")


def test_replicas_that_apply_the_chosen_prefix_are_fine() -> None:
    execution = Execution(chosen(b"a", b"b"))
    for replica in (1, 2):
        execution.restarted(replica, 0, EMPTY_DIGEST)
        execution.applied(replica, 1, A)
        execution.applied(replica, 2, AB)
    execution.restarted(1, 1, A)
    execution.applied(1, 2, AB)


def test_p6_gaps_repeats_and_other_states() -> None:
    execution = Execution(chosen(b"a", b"b"))
    execution.restarted(1, 0, EMPTY_DIGEST)
    broken("P6", lambda: execution.applied(1, 2, AB))
    broken("P6", lambda: execution.applied(1, 1, AB))
    broken("P6", lambda: execution.applied(1, 1, A))
    broken("P6", lambda: execution.restarted(2, 1, EMPTY_DIGEST))


def test_p8_belief_in_what_is_not_chosen() -> None:
    execution = Execution(chosen(b"a"))
    execution.believed(1, 1)
    broken("P8", lambda: execution.believed(1, 2))
    broken("P8", lambda: execution.restarted(1, 2, AB))
    broken("P8", lambda: execution.learned(1, 1, b"b"))
    broken("P8", lambda: execution.learned(1, 2, b"b"))


def test_p4_an_acknowledgement_of_what_is_not_chosen() -> None:
    history = History(chosen(b"a"))
    history.wrote(1, b"a")
    broken("P4", lambda: history.wrote(1, b"b"))
    broken("P4", lambda: history.wrote(2, b"b"))


def test_p10_a_read_that_misses_what_was_acknowledged_or_read_before_it_began() -> None:
    history = History(chosen(b"a", b"b", b"c"))
    early = history.floor
    history.wrote(2, b"b")
    history.answered(early, read_point=1, applied=1)
    broken("P10", lambda: history.answered(history.floor, read_point=1, applied=3))
    history.answered(history.floor, read_point=2, applied=3)
    broken("P10", lambda: history.answered(history.floor, read_point=2, applied=3))
    broken("P10", lambda: history.answered(early, read_point=3, applied=2))
