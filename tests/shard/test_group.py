"""One replica with its machine: which calls it carries out, which it gives back, and when it answers."""

from __future__ import annotations

import pytest

from ostraka.v1.common_pb2 import Reason
from ostraka_server.machine import EMPTY_STATE
from ostraka_server.paxos import Ballot, Durable, Entry
from ostraka_server.paxos.messages import Nack
from ostraka_server.shard import applying
from tests.machine.bases import DictBase, flush
from tests.machine.commands import entry as entry_of
from tests.machine.commands import txn
from tests.shard.asking import Asked, delete, get, local_get, put
from tests.shard.script import Script, new_group


def leading() -> Script:
    script = Script()
    script.lead()
    return script


def submitted(script: Script, call: Asked) -> Asked:
    """The call, taken in by a turn: a write is proposed by it."""
    script.group.submit(call)
    script.turn()
    return call


# Writes


def test_a_write_is_answered_once_it_is_decided_and_applied() -> None:
    script = leading()
    call = submitted(script, Asked(put()))
    script.turn()
    assert not call.replies, "the leader's own vote is no quorum"
    script.accept()
    assert call.reply.put.header.revision == 2
    assert call.reply.put.header.node == "n1"
    assert script.group.machine.get(b"k") is not None


def test_writes_of_one_turn_share_an_entry_and_get_their_own_answers() -> None:
    script = leading()
    calls = [Asked(put(b"a")), Asked(delete(b"a")), Asked(delete(b"a"))]
    for call in calls[:-1]:
        script.group.submit(call)
    submitted(script, calls[-1])
    script.accept()
    assert [call.reply.WhichOneof("result") for call in calls] == ["put", "delete", "delete"]
    assert [call.reply.delete.deleted for call in calls[1:]] == [1, 0]
    assert script.group.stats.proposals == 1


def test_nothing_is_proposed_before_the_barrier_is_decided() -> None:
    script = Script()
    script.elect()
    call = submitted(script, Asked(put()))
    assert [entry.payload for entry in script.proposed()] == [b""]
    script.accept()
    script.accept()
    assert call.reply.HasField("put")


def test_a_follower_gives_writes_and_reads_back() -> None:
    script = Script()
    write, read = Asked(put()), Asked(get())
    script.group.submit(write)
    script.group.submit(read)
    script.turn()
    assert script.rerouted == [write, read]
    assert not write.replies


def test_a_deposed_leader_gives_back_what_it_did_not_propose() -> None:
    script = leading()
    call = Asked(put())
    script.group.submit(call)
    script.deposed()
    assert script.rerouted == [call]


def test_a_proposed_write_of_a_deposed_leader_waits_for_its_slot() -> None:
    script = leading()
    call = submitted(script, Asked(put(), deadline=100.0))
    script.deposed()
    script.group.expire(99.0)
    assert not call.replies
    assert not script.rerouted
    script.group.expire(100.0)
    assert not call.error.detail.surely_not_done


def test_a_proposed_write_that_the_next_leader_has_decided_is_done() -> None:
    script = leading()
    call = submitted(script, Asked(put()))
    (_, entry) = script.proposed()
    script.deposed()
    script.led_by_2(entry.payload)
    assert call.reply.HasField("put")
    assert call.reply.put.header.ballot_round == script.ballot.round


def test_a_proposed_write_that_lost_its_slot_may_be_sent_elsewhere() -> None:
    script = leading()
    call = submitted(script, Asked(put()))
    script.deposed()
    script.led_by_2(b"")
    assert script.rerouted == [call]
    assert script.group.machine.get(b"k") is None
    assert script.group.stats.proposal_failures == 1


def test_a_write_that_expired_while_it_lost_its_slot_is_answered_once() -> None:
    script = leading()
    call = submitted(script, Asked(put(), deadline=5.0))
    script.group.expire(5.0)
    script.deposed()
    script.led_by_2(b"")
    assert not call.error.detail.surely_not_done, "what was said cannot be taken back"


def test_a_write_that_expired_is_still_carried_out() -> None:
    script = leading()
    call = submitted(script, Asked(put(), deadline=5.0))
    script.group.expire(5.0)
    script.accept()
    assert len(call.replies) == 1
    assert script.group.machine.get(b"k") is not None


def twice_proposed(script: Script) -> tuple[Asked, Asked, list[Entry]]:
    """A leader proposes in slots 2 and 3, is deposed, leads again by promises of those who saw neither, and proposes
    in slot 3 anew. The two calls and entries of slot 3."""
    submitted(script, Asked(put(b"a")))
    first = submitted(script, Asked(put(b"b")))
    script.deposed()
    script.lead()
    second = submitted(script, Asked(put(b"c")))
    entries = [entry for entry in script.proposed() if entry.slot == 3]
    assert len(entries) == 2
    return first, second, entries


def test_a_leader_that_proposes_for_a_slot_again_forgets_neither_write() -> None:
    script = leading()
    first, second, _ = twice_proposed(script)
    script.accept()
    assert second.reply.HasField("put")
    assert first in script.rerouted


def test_the_first_of_two_writes_for_a_slot_may_be_the_one_decided() -> None:
    script = leading()
    first, second, (early, _) = twice_proposed(script)
    script.led_by_2(early.payload)
    assert first.reply.HasField("put")
    assert script.rerouted[-1] is second


def test_both_writes_for_a_slot_expire() -> None:
    script = leading()
    first, second, _ = twice_proposed(script)
    script.group.expire(1000.0)
    for call in (first, second):
        assert not call.error.detail.surely_not_done


# Reads


def test_a_read_is_answered_once_a_quorum_confirmed_its_point() -> None:
    script = leading()
    call = submitted(script, Asked(get()))
    assert not call.replies
    script.acknowledge()
    assert call.reply.HasField("get")


def test_a_transaction_that_only_reads_costs_no_slot() -> None:
    script = leading()
    put_first = submitted(script, Asked(put()))
    script.accept()
    proposals = script.group.stats.proposals
    call = submitted(script, Asked(txn(then=[get()], otherwise=[get()])))
    assert put_first.replies and not call.replies, "as any read it waits for a quorum"
    script.acknowledge()
    assert call.reply.txn.responses[0].get.kv.value == b"v"
    assert script.group.stats.proposals == proposals


def test_a_transaction_that_may_write_is_one_command() -> None:
    script = leading()
    call = submitted(script, Asked(txn(then=[get()], otherwise=[put()])))
    script.accept()
    assert call.reply.txn.succeeded and not call.reply.txn.responses[0].get.HasField("kv")
    assert script.group.stats.proposals == 1


def test_a_read_that_a_deposed_leader_cannot_confirm_goes_elsewhere() -> None:
    script = leading()
    call = submitted(script, Asked(get()))
    script.deposed()
    assert script.rerouted == [call]


def test_a_read_sees_what_was_decided_before_it() -> None:
    script = leading()
    submitted(script, Asked(put()))
    script.accept()
    call = submitted(script, Asked(get()))
    script.acknowledge()
    assert call.reply.get.kv.value == b"v"


def test_a_local_read_needs_no_leader() -> None:
    group = new_group()
    call = Asked(local_get())
    group.read_locally(call)
    assert call.reply.HasField("get")


# A store that lags


def lagging(base: DictBase, unflushed_max: int) -> Script:
    script = Script(new_group(base=base, unflushed_max=unflushed_max))
    script.lead()
    return script


def test_a_leader_whose_store_lags_proposes_nothing_until_it_caught_up() -> None:
    base = DictBase()
    script = lagging(base, 3)  # the barrier is one
    first = [submitted(script, Asked(put(b"%d" % i))) for i in range(3)]
    script.accept()
    assert [len(call.replies) for call in first] == [1, 1, 0]
    held = submitted(script, Asked(put(b"held")))
    read = submitted(script, Asked(get(b"2")))
    script.acknowledge()
    assert len(script.proposed()) == 4, "barrier and three writes"
    assert not held.replies
    assert not read.replies
    flush(script.group.machine, base)
    script.group.flushed()
    assert first[2].reply.HasField("put")
    assert read.reply.get.kv.key == b"2"
    script.turn()
    assert len(script.proposed()) == 5


def test_what_the_store_lacks_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "UNFLUSHED_BYTES_MAX", 8000)
    base = DictBase()
    script = lagging(base, 1000)
    calls = []
    for number in range(12):
        calls.append(submitted(script, Asked(put(b"%d" % number, bytes(1000)))))
        script.accept()
    assert 0 < sum(not call.replies for call in calls) < 12
    assert script.group.machine.unflushed_bytes < 8000 + 1500
    flush(script.group.machine, base)
    script.group.flushed()
    for _ in calls:
        script.accept()
    assert all(call.replies for call in calls)


def test_what_takes_long_to_apply_is_applied_over_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "TURN_BYTES_MAX", 4000)
    script = Script()
    wakes: list[None] = []
    script.group.wake = lambda: wakes.append(None)
    script.led_by_2(*(entry_of(put(b"%d" % number, bytes(1000)).SerializeToString()) for number in range(12)))
    applied = [script.group.machine.applied_slot]
    while applied[-1] < 12:
        assert len(wakes) == len(applied), "another turn is asked for"
        script.turn()
        applied.append(script.group.machine.applied_slot)
    assert applied == [3, 6, 9, 12]
    assert len(wakes) == 3


# Start and news


def test_what_is_known_decided_is_applied_at_the_start() -> None:
    ballot = Ballot(1, 1, 2)
    payload = entry_of(put().SerializeToString())
    group = new_group(durable=Durable(ballot, 2))
    assert group.unread == (1, 2)
    group.refill([Entry(1, ballot, b""), Entry(2, ballot, payload)])
    assert group.unread is None
    assert group.machine.applied_slot == 2
    assert group.machine.get(b"k") is not None
    assert group.machine.digest != EMPTY_STATE.digest


def test_listeners_hear_of_a_leader_and_of_its_barrier() -> None:
    script = Script()
    heard: list[tuple[str | None, bool]] = []
    group = script.group
    group.listeners.append(lambda: heard.append((group.leader_node, group.replica.serving)))
    script.lead()
    script.deposed()
    script.led_by_2(b"")
    assert heard == [("n1", False), ("n1", True), (None, False), ("n2", False)]


def test_a_step_down_without_a_word_to_anyone_is_news() -> None:
    script = leading()
    group = script.group
    script.now += 10 * group.replica.config.election_timeout_s
    ready = group.turn(script.now)
    assert not ready
    assert not group.leads
    assert group.changed


def test_a_refused_leader_steps_down() -> None:
    script = leading()
    script.hear(3, Nack(script.ballot, Ballot(1, script.ballot.round + 5, 3)))
    call = submitted(script, Asked(put()))
    assert script.rerouted == [call]


def test_a_call_waits_until_it_is_answered() -> None:
    script = leading()
    assert not script.group.waiting
    submitted(script, Asked(put()))
    assert script.group.waiting
    script.accept()
    assert not script.group.waiting


def test_a_command_that_apply_refuses_is_answered_so() -> None:
    script = leading()
    call = submitted(script, Asked(put(b"")))
    script.accept()
    assert call.error.detail.reason == Reason.INVALID
    assert call.error.detail.surely_not_done
