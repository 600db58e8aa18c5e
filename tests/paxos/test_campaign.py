"""Counting grants and promises."""

from __future__ import annotations

import pytest

from ostraka_server.paxos import Ballot
from ostraka_server.paxos.campaign import Campaign, Phase
from ostraka_server.paxos.messages import Promise

BALLOT = Ballot(1, 5, 1)


def promise(decided_through: int = 0, ballot: Ballot = BALLOT) -> Promise:
    return Promise(ballot, (), decided_through)


def test_it_begins_by_asking() -> None:
    assert Campaign(BALLOT, quorum=2).phase is Phase.ASKING


def test_a_replica_grants_once_however_often_it_answers() -> None:
    campaign = Campaign(BALLOT, quorum=2)
    assert not campaign.granted(2)
    assert not campaign.granted(2)
    assert campaign.granted(3)


def test_a_replica_promises_once_however_often_it_answers() -> None:
    campaign = Campaign(BALLOT, quorum=2)
    assert not campaign.promised(2, promise())
    assert not campaign.promised(2, promise())
    assert campaign.promised(3, promise())


def test_a_grant_is_no_promise() -> None:
    campaign = Campaign(BALLOT, quorum=2)
    campaign.granted(2)
    campaign.granted(3)
    assert not campaign.promised(2, promise())


def test_a_promise_of_another_ballot_does_not_count() -> None:
    with pytest.raises(AssertionError):
        Campaign(BALLOT, quorum=2).promised(2, promise(ballot=Ballot(1, 4, 1)))


def test_the_longest_decided_prefix_is_fetched_from_whoever_knows_it() -> None:
    campaign = Campaign(BALLOT, quorum=3)
    for replica, decided_through in [(1, 3), (2, 7), (3, 5)]:
        campaign.promised(replica, promise(decided_through))
    assert campaign.most_advanced() == (2, 7)
