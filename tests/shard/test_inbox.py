"""The bound is met by many small messages, too, and never costs a replica its own votes."""

from __future__ import annotations

from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Accepted, Heartbeat
from ostraka_server.shard.group import INBOX_FULL
from ostraka_server.shard.inbox import INBOX_BYTES_MAX, MESSAGE_BYTES, Inbox
from tests.shard.script import new_group

HEARTBEAT = Heartbeat(Ballot(1, 1, 2), 1, 0)


def test_it_gives_what_it_was_given_in_order_and_has_room_again() -> None:
    inbox = Inbox()
    for sender in (2, 3):
        inbox.put(sender, HEARTBEAT, INBOX_BYTES_MAX // 2)
    assert inbox.is_full
    assert inbox.take_all() == [(2, HEARTBEAT), (3, HEARTBEAT)]
    assert not inbox.is_full
    assert inbox.take_all() == []


def test_small_messages_fill_it_as_well() -> None:
    inbox = Inbox()
    for _ in range(INBOX_BYTES_MAX // MESSAGE_BYTES):
        inbox.put(2, HEARTBEAT, 0)
    assert inbox.is_full


def test_a_replicas_own_votes_always_find_room() -> None:
    group = new_group()
    group.receive(3, HEARTBEAT, INBOX_BYTES_MAX)
    group.receive(1, Accepted(HEARTBEAT.ballot, (1,)))
    assert not group.replica.ignored
    group.receive(3, HEARTBEAT)
    assert group.replica.ignored == {INBOX_FULL: 1}
