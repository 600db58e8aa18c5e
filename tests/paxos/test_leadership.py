"""A leader's window, votes and hearing."""

from __future__ import annotations

import pytest

from ostraka_server.paxos import Ballot, Entry, PaxosConfig
from ostraka_server.paxos.leadership import Leadership

BALLOT = Ballot(1, 5, 1)
CONFIG = PaxosConfig(window_entries=2, window_bytes=10)


def leadership(first: int = 1) -> Leadership:
    """Of replica 1 among three, since time 0."""
    return Leadership(BALLOT, others=(2, 3), quorum=2, first=first, now=0.0)


def proposing(*payloads: bytes, first: int = 1) -> Leadership:
    lead = leadership(first)
    for payload in payloads:
        lead.propose(payload, now=0.0)
    return lead


# Proposals


def test_slots_are_handed_out_once_and_in_order() -> None:
    lead = leadership(first=4)
    assert [lead.propose(payload, 0.0) for payload in (b"a", b"b")] == [Entry(4, BALLOT, b"a"), Entry(5, BALLOT, b"b")]


def test_each_entry_is_sent_once_by_itself() -> None:
    lead = proposing(b"a", b"b")
    assert [entry.slot for entry in lead.take_unsent()] == [1, 2]
    assert lead.take_unsent() == ()


@pytest.mark.parametrize(
    ("payloads", "room"),
    [
        ([], True),
        ([b"x"], True),
        ([b"x", b"x"], False),
        ([b"x" * 9], True),
        ([b"x" * 10], False),
        ([b"x" * 100], False),
    ],
)
def test_the_window_is_bounded_in_entries_and_bytes(payloads: list[bytes], room: bool) -> None:
    assert proposing(*payloads).has_room(CONFIG) is room


def test_what_is_chosen_leaves_the_window() -> None:
    lead = proposing(b"x" * 10)
    lead.accepted(1, [1])
    lead.accepted(2, [1])
    assert lead.chosen_through(0) == 1
    assert lead.has_room(CONFIG) and lead.pending_bytes == 0


# Votes


def test_a_slot_is_chosen_by_a_quorum_of_different_replicas() -> None:
    lead = proposing(b"a")
    lead.accepted(2, [1])
    lead.accepted(2, [1])
    assert lead.chosen_through(0) == 0
    lead.accepted(3, [1])
    assert lead.chosen_through(0) == 1


def test_the_leader_itself_counts_only_when_it_says_so() -> None:
    lead = proposing(b"a")
    lead.accepted(2, [1])
    assert lead.chosen_through(0) == 0, "its own disk has not answered"


def test_slots_are_chosen_in_order() -> None:
    lead = proposing(b"a", b"b", b"c", first=4)
    for replica in (1, 2):
        lead.accepted(replica, [5, 6])
    assert lead.chosen_through(3) == 3
    lead.accepted(2, [4])
    lead.accepted(3, [4])
    assert lead.chosen_through(3) == 6
    assert not lead.pending


def test_votes_for_what_was_not_proposed_or_is_chosen_change_nothing() -> None:
    lead = proposing(b"a")
    lead.accepted(2, [0, 1, 99])
    lead.accepted(3, [1])
    assert lead.chosen_through(0) == 1
    lead.accepted(1, [1])
    assert lead.chosen_through(1) == 1


# Sending again


def test_only_what_a_replica_did_not_accept_in_time_is_sent_to_it_again() -> None:
    lead = proposing(b"a", b"b")
    late = lead.propose(b"c", now=5.0)
    lead.accepted(2, [1])
    assert [entry.slot for entry in lead.unanswered(2, since=1.0, max_bytes=100)] == [2]
    assert [entry.slot for entry in lead.unanswered(3, since=1.0, max_bytes=100)] == [1, 2]
    assert late in lead.unanswered(3, since=5.0, max_bytes=100)


def test_what_is_sent_again_is_bounded_but_never_nothing() -> None:
    lead = proposing(b"x" * 6, b"x" * 6, b"x" * 6)
    assert [entry.slot for entry in lead.unanswered(2, since=1.0, max_bytes=12)] == [1, 2]
    assert [entry.slot for entry in lead.unanswered(2, since=1.0, max_bytes=1)] == [1]


# Hearing


def test_the_leader_and_one_other_are_a_quorum_of_three() -> None:
    lead = leadership()
    assert lead.hears_quorum(since=0.0), "those who have just promised count as heard"
    assert not lead.hears_quorum(since=1.0)
    lead.heard[3] = 1.0
    assert lead.hears_quorum(since=1.0)


def test_alone_it_is_its_own_quorum() -> None:
    assert Leadership(BALLOT, others=(), quorum=1, first=1, now=0.0).hears_quorum(since=99.0)


def test_nonces_are_never_used_again() -> None:
    lead = leadership()
    nonces = [lead.next_nonce() for _ in range(5)]
    assert nonces == sorted(set(nonces)) and nonces[0] > 0
