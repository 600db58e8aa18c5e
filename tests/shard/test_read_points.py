"""Requests for read points: one under way, each nonce once, and whom a leader has to tell."""

from __future__ import annotations

from math import inf

from ostraka_server.paxos import Ballot
from ostraka_server.shard.read_points import Askers, Asking, AskReadPoint, ReadPoint

BALLOT = Ballot(1, 5, 2)


def test_an_answer_ends_the_request_of_its_nonce_only() -> None:
    asking = Asking(1.0)
    asking.begin(7, 2, 0.0)
    assert not asking.answered(6)
    assert asking.under_way
    assert asking.answered(7)
    assert not asking.under_way
    assert not asking.answered(7), "an answer that comes twice"


def test_a_request_is_given_up_once_it_took_too_long() -> None:
    asking = Asking(1.0)
    asking.begin(7, 2, 0.0)
    assert asking.give_up(2, 0.9) is None
    assert asking.deadline == 1.0
    assert asking.give_up(2, 1.0) == 7
    assert asking.deadline == inf
    assert not asking.answered(7), "its reads wait for a later one"


def test_a_request_is_given_up_once_another_leads() -> None:
    asking = Asking(1.0)
    asking.begin(7, 2, 0.0)
    assert asking.give_up(3, 0.1) == 7
    asking.begin(8, 3, 0.1)
    assert asking.give_up(None, 0.2) == 8


def test_patience_grows_until_an_answer_comes() -> None:
    asking = Asking(1.0)
    now, waits = 0.0, []
    for nonce in range(7):
        asking.begin(nonce, 2, now)
        waits.append(asking.deadline - now)
        now = asking.deadline
        assert asking.give_up(2, now) == nonce
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0]
    asking.begin(7, 2, now)
    assert asking.answered(7)
    asking.begin(8, 2, now)
    assert asking.deadline == now + 1.0


def test_all_who_wait_are_told_the_point_of_the_read_that_began_after_they_asked() -> None:
    askers = Askers()
    askers.add(2, AskReadPoint(BALLOT, 20))
    askers.add(3, AskReadPoint(BALLOT, 30))
    askers.asked(1)
    askers.add(2, AskReadPoint(BALLOT, 21))
    assert askers.confirmed(1, 9) == [(2, ReadPoint(BALLOT, 20, 9)), (3, ReadPoint(BALLOT, 30, 9))]
    assert askers, "the later request waits for a read of its own"
    askers.asked(2)
    assert not askers
    assert askers.confirmed(2, 11) == [(2, ReadPoint(BALLOT, 21, 11))]


def test_of_a_replica_that_asks_again_the_latest_request_counts() -> None:
    askers = Askers()
    askers.add(2, AskReadPoint(BALLOT, 20))
    askers.add(2, AskReadPoint(BALLOT, 21))
    askers.asked(1)
    assert askers.confirmed(1, 9) == [(2, ReadPoint(BALLOT, 21, 9))]


def test_who_leads_no_more_tells_nobody() -> None:
    askers = Askers()
    askers.add(2, AskReadPoint(BALLOT, 20))
    askers.asked(1)
    askers.add(3, AskReadPoint(BALLOT, 30))
    askers.clear()
    assert not askers
    assert askers.confirmed(1, 9) == []
