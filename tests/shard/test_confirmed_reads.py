"""Reads that any replica may answer: from its state as it is, or once a read point is confirmed and applied."""

from __future__ import annotations

import pytest

from ostraka.v1.common_pb2 import BOUNDED, LINEARIZABLE, SERIALIZABLE, Reason, Strength
from ostraka_server.paxos import Ballot
from ostraka_server.shard.read_points import AskReadPoint, ReadPoint
from tests.machine.commands import entry as entry_of
from tests.shard.asking import Asked, bounded_get, get, get_since, put
from tests.shard.script import FIRST_NONCE, Script


def following() -> Script:
    """2 leads and has a put decided: the replica is at revision 2, slot 1."""
    script = Script()
    script.led_by_2(entry_of(put()))
    return script


def leading() -> Script:
    script = Script()
    script.lead()
    return script


def submitted(script: Script, call: Asked) -> Asked:
    script.group.submit(call)
    script.turn()
    return call


def nonces(script: Script) -> list[int]:
    return [message.nonce for _, message in script.told]


# A replica that does not lead


def test_the_leader_is_asked_and_the_read_answered_once_the_point_is_applied() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(100)))
    assert script.told == [(2, AskReadPoint(script.ballot, FIRST_NONCE))]
    script.tell_read_point(2)
    assert not call.replies, "slot 2 is not applied yet"
    script.led_by_2(entry_of(put(b"k", b"new")))
    assert call.reply.get.kv.value == b"new"


def test_reads_that_arrive_while_a_request_is_under_way_wait_for_the_next() -> None:
    script = following()
    first = submitted(script, Asked(bounded_get(100)))
    second = submitted(script, Asked(bounded_get(100)))
    assert len(script.told) == 1
    script.tell_read_point(1)
    assert first.replies
    assert not second.replies
    script.turn()
    assert nonces(script) == [FIRST_NONCE, FIRST_NONCE + 1]
    script.tell_read_point(1)
    assert second.replies


def test_a_lost_request_is_made_again_under_a_new_nonce() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(100)))
    lost = script.told[-1][1]
    script.now = script.group.reads.deadline
    assert script.group.deadline <= script.now, "the driver turns it in time"
    script.turn()
    assert nonces(script) == [FIRST_NONCE, FIRST_NONCE + 1]
    script.group.hear(2, ReadPoint(lost.ballot, lost.nonce, 1))
    assert not call.replies, "what answers the lost one comes too late"
    script.tell_read_point(1)
    assert call.replies


def test_what_another_epoch_says_is_no_read_point() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(100)))
    script.group.hear(2, ReadPoint(Ballot(2, 1, 2), FIRST_NONCE, 1))
    assert not call.replies


def test_without_a_leader_the_read_goes_back_to_the_gateway() -> None:
    script = Script()
    call = submitted(script, Asked(bounded_get(100)))
    assert script.rerouted == [call]
    assert not script.told


def test_a_read_without_a_read_point_is_refused_at_its_deadline() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(100), deadline=0.5))
    script.group.expire(0.5)
    assert call.error.detail.reason == Reason.DEADLINE
    script.tell_read_point(1)
    assert len(call.replies) == 1


def test_a_read_whose_leader_is_gone_goes_back_to_the_gateway() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(100)))
    script.lead()
    assert script.rerouted == [call]
    submitted(script, call)
    script.acknowledge()
    assert call.reply.get.kv.value == b"v", "who leads by now confirms it itself"


def test_reads_for_the_leader_alone_are_given_back() -> None:
    script = following()
    local, linearizable = Asked(bounded_get(100)), Asked(get())
    script.group.submit(local)
    script.group.submit(linearizable)
    script.turn()
    assert script.rerouted == [linearizable]
    script.tell_read_point(1)
    assert local.replies


def test_a_lost_store_answers_nothing() -> None:
    script = following()
    script.group.lose()
    call = submitted(script, Asked(bounded_get(100)))
    assert script.rerouted == [call]


# How old a state may be


def test_staleness_counts_from_when_the_request_was_sent() -> None:
    script = following()
    submitted(script, Asked(bounded_get(0)))
    script.now = 0.2
    script.tell_read_point(1)
    script.now = 0.3
    assert not script.group.may_answer(Asked(bounded_get(299)))
    call = Asked(bounded_get(300))
    assert script.group.may_answer(call)
    script.group.read_locally(call)
    assert call.reply.get.staleness_ms == 300


def test_a_point_that_is_not_applied_proves_nothing() -> None:
    script = following()
    submitted(script, Asked(bounded_get(0)))
    script.tell_read_point(2)
    assert not script.group.may_answer(Asked(bounded_get(10_000)))


def test_a_leader_heard_of_proves_nothing() -> None:
    script = following()
    assert not script.group.may_answer(Asked(bounded_get(10_000)))


def test_the_staleness_told_is_that_of_the_answer_rounded_up() -> None:
    script = following()
    call = submitted(script, Asked(bounded_get(0)))
    script.now = 0.0101
    script.tell_read_point(1)
    assert call.reply.get.staleness_ms == 11


def test_a_leader_is_as_fresh_as_its_last_confirmed_round() -> None:
    script = leading()
    assert not script.group.may_answer(Asked(bounded_get(10_000)))
    began = script.now
    submitted(script, Asked(get()))
    script.now = began + 0.1
    script.acknowledge()
    assert script.group.may_answer(Asked(bounded_get(101)))
    assert not script.group.may_answer(Asked(bounded_get(99)))


def test_a_replica_that_was_put_back_is_fresh_again_once_it_comes_to_the_point() -> None:
    script = following()
    submitted(script, Asked(bounded_get(0)))
    script.tell_read_point(1)
    reads = script.group.reads
    assert reads.staleness(1, 0.0) == 0.0
    assert reads.staleness(0, 0.0) == float("inf")


# At least this revision


@pytest.mark.parametrize("strength", [SERIALIZABLE, BOUNDED, LINEARIZABLE])
def test_a_revision_that_nobody_has_made_is_refused(strength: Strength.ValueType) -> None:
    script = leading()
    call = submitted(script, Asked(get_since(2, strength=strength)))
    script.acknowledge()
    assert call.error.detail.reason == Reason.FUTURE_REVISION


def test_ones_own_write_is_waited_for() -> None:
    script = following()
    assert script.group.may_answer(Asked(get_since(2)))
    late = Asked(get_since(3))
    assert not script.group.may_answer(late)
    submitted(script, late)
    script.tell_read_point(2)
    script.led_by_2(entry_of(put(b"k", b"own")))
    assert late.reply.get.kv.value == b"own"


# A leader that is asked


def test_a_leader_tells_the_point_once_a_round_that_began_later_is_confirmed() -> None:
    script = leading()
    submitted(script, Asked(get()))
    script.group.hear(3, AskReadPoint(script.ballot, 33))
    script.turn()
    script.acknowledge()
    assert script.told == [], "the round began before it asked"
    script.acknowledge()
    assert script.told == [(3, ReadPoint(script.ballot, 33, 1))]


def test_who_does_not_lead_tells_nothing() -> None:
    script = following()
    script.group.hear(3, AskReadPoint(script.ballot, 33))
    script.turn()
    script.lead()
    script.turn()
    script.acknowledge()
    assert script.told == []


def test_a_deposed_leader_tells_nothing() -> None:
    script = leading()
    script.group.hear(3, AskReadPoint(script.ballot, 33))
    script.turn()
    script.deposed()
    assert script.told == []
