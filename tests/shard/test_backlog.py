"""What waits to be applied: in order, bounded, and read from the log where it is not in memory."""

from __future__ import annotations

from ostraka_server.paxos import Ballot, Entry
from ostraka_server.shard.backlog import BACKLOG_BYTES_MAX, Backlog


def entries(*slots: int, payload: bytes = b"x") -> list[Entry]:
    return [Entry(slot, Ballot(1, 1, 1), payload) for slot in slots]


def test_entries_leave_in_slot_order_once_and_without_gaps() -> None:
    backlog = Backlog(applied=3)
    backlog.extend(entries(2, 3, 4, 5, 7))
    backlog.extend(entries(4, 5, 6))
    taken = []
    while backlog:
        taken.append(backlog.take().slot)
    assert taken == [4, 5, 6]


def test_what_is_not_here_is_to_be_read_once_all_before_it_left() -> None:
    backlog = Backlog(applied=3)
    assert backlog.unread(3) is None
    assert backlog.unread(9) == (4, 9)
    backlog.extend(entries(4))
    assert backlog.unread(9) is None, "first things first"
    backlog.take()
    assert backlog.unread(9) == (5, 9)


def test_memory_is_bounded_and_the_rest_is_read_later() -> None:
    backlog = Backlog(applied=0)
    backlog.extend(entries(*range(1, 20), payload=bytes(BACKLOG_BYTES_MAX // 4)))
    count = 0
    while backlog:
        backlog.take()
        count += 1
    assert count == 4
    assert backlog.unread(19) == (5, 19)


def test_an_entry_larger_than_the_bound_is_taken_alone() -> None:
    backlog = Backlog(applied=0)
    backlog.extend(entries(1, 2, payload=bytes(2 * BACKLOG_BYTES_MAX)))
    assert backlog.take().slot == 1
    assert not backlog


def test_what_a_snapshot_covers_is_passed_over() -> None:
    backlog = Backlog(applied=0)
    backlog.extend(entries(1, 2, 3))
    backlog.restart(10)
    backlog.extend(entries(4, 11))
    assert backlog.take().slot == 11
