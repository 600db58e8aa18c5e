"""The order of ballots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos import NO_BALLOT, Ballot

numbers = st.integers(1, 1 << 63)
ballots = st.builds(Ballot, numbers, numbers, numbers)
close_ballots = st.builds(Ballot, *[st.integers(1, 3)] * 3)
"""From few numbers, so that ties are common."""


@given(close_ballots, close_ballots)
def test_the_epoch_counts_before_the_round_and_the_round_before_the_replica(one: Ballot, other: Ballot) -> None:
    if one.epoch != other.epoch:
        assert (one < other) == (one.epoch < other.epoch)
    elif one.round != other.round:
        assert (one < other) == (one.round < other.round)
    else:
        assert (one < other) == (one.replica < other.replica)


@given(close_ballots, close_ballots, close_ballots)
def test_the_order_is_total(one: Ballot, two: Ballot, three: Ballot) -> None:
    assert (one < two) + (one == two) + (one > two) == 1
    if one <= two <= three:
        assert one <= three


@given(ballots, ballots)
def test_two_replicas_never_share_a_ballot(one: Ballot, other: Ballot) -> None:
    if one.replica != other.replica:
        assert one != other


@given(ballots, numbers)
def test_a_higher_round_beats_every_replica_of_a_lower_one(ballot: Ballot, replica: int) -> None:
    assert Ballot(ballot.epoch, ballot.round + 1, replica) > ballot


@given(ballots)
def test_no_ballot_is_below_all(ballot: Ballot) -> None:
    assert ballot > NO_BALLOT
