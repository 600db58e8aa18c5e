"""Linearizable reads: numbered together, confirmed together, answered when the read point is applied."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.shard.pending_reads import PendingReads
from tests.shard.asking import Asked, get


def gathered(count: int, deadline: float = 10.0) -> tuple[PendingReads, list[Asked]]:
    reads = PendingReads()
    calls = [Asked(get(), deadline) for _ in range(count)]
    for call in calls:
        reads.add(call)
    return reads, calls


def test_reads_of_one_turn_share_a_number_and_later_ones_get_the_next() -> None:
    reads, _ = gathered(2)
    assert reads.ask(0.0) == 1
    assert not reads.queued
    reads.add(Asked(get()))
    assert reads.ask(0.0) == 2


def test_a_confirmed_read_waits_for_its_point() -> None:
    reads, calls = gathered(2)
    reads.ask(0.0)
    reads.confirmed(1, 7)
    assert reads.take_ready(6) == []
    assert reads.take_ready(7) == calls
    assert reads.take_ready(8) == []


def test_each_read_waits_for_its_own_point() -> None:
    reads, (first,) = gathered(1)
    reads.ask(0.0)
    second = Asked(get())
    reads.add(second)
    reads.ask(0.0)
    reads.confirmed(2, 4)
    reads.confirmed(1, 9)
    assert reads.take_ready(5) == [second]
    assert reads.take_ready(9) == [first]


def test_what_cannot_be_confirmed_goes_elsewhere_unless_it_was_answered() -> None:
    reads, (waiting, withdrawn) = gathered(2)
    reads.ask(0.0)
    withdrawn.answer(Reply())
    assert reads.failed(1) == [waiting]
    assert len(reads) == 0


def test_a_follower_gives_up_what_was_not_asked_for() -> None:
    reads, _ = gathered(1)
    reads.ask(0.0)
    late = Asked(get())
    reads.add(late)
    assert reads.take_queued() == [late]
    assert len(reads) == 1


def test_a_read_expires_wherever_it_is() -> None:
    reads, (confirmed,) = gathered(1)
    reads.ask(0.0)
    reads.confirmed(1, 100)
    asked, queued, patient = Asked(get()), Asked(get()), Asked(get(), deadline=99.0)
    reads.add(asked)
    reads.add(patient)
    reads.ask(0.0)
    reads.add(queued)
    reads.expire(10.0)
    assert all(call.error.detail.surely_not_done for call in (confirmed, asked, queued))
    assert not patient.replies
    assert reads.failed(2) == [patient]


def test_reads_that_have_their_answer_are_not_kept() -> None:
    reads, calls = gathered(50)
    reads.ask(0.0)
    reads.confirmed(1, 10**6)  # the store is stuck, the slot is never applied
    for call in calls:
        call.answer(Reply())
    reads.expire(0.0)
    assert reads.take_ready(10**6) == []
