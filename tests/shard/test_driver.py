"""The order of a turn: send what may go, persist, sync, send what claims it, apply and answer; seen through fakes."""

from __future__ import annotations

import asyncio

import pytest

from ostraka.v1.common_pb2 import Reason
from ostraka_server.machine import EMPTY_STATE, Machine
from ostraka_server.paxos import Durable, Entry
from ostraka_server.paxos import messages as m
from ostraka_server.shard import codec
from ostraka_server.shard.driver import DECIDED_BYTES_MAX, EXPIRY_STEP_S, SYNC_PATIENCE_S
from ostraka_server.shard.group import INBOX_FULL
from ostraka_server.shard.inbox import INBOX_BYTES_MAX
from ostraka_server.shard.snapshots import WantSnapshot
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import DictBase
from tests.shard.asking import Asked, get, put
from tests.shard.script import new_group
from tests.shard.turner import LEADER, Turner


@virtual_time
async def test_a_vote_is_told_only_once_it_is_durable(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.runner.gate.clear()
    await turner.follow(b"")
    assert turner.done == ["promise", "accept 1"]
    turner.runner.gate.set()
    await turns()
    assert turner.done == ["promise", "accept 1", "flush", "synced", "send Accepted"]
    await turner.stop()


@virtual_time
async def test_proposals_leave_before_the_leaders_own_sync_and_its_vote_counts_after_it(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    turner.done.clear()
    turner.runner.gate.clear()
    call = Asked(put(), deadline=1e9)
    turner.group.submit(call)
    turner.driver.wake()
    await turns()
    assert turner.done == ["send Accept", "send Accept", "accept 2"]
    await turner.accepted(2, 2)
    await turner.accepted(3, 2)
    assert not call.replies, "a quorum has it, but this turn is not over"
    turner.runner.gate.set()
    await turns()
    assert call.reply.HasField("put")
    await turner.stop()


@virtual_time
async def test_what_is_durable_is_answered_while_the_next_sync_is_under_way(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    first, second = Asked(put(), deadline=1e9), Asked(put(), deadline=1e9)
    turner.group.submit(first)
    turner.driver.wake()
    await turns()
    turner.runner.gate.clear()
    turner.group.submit(second)
    await turner.accepted(3, 2)
    assert turner.log.entries.keys() == {1, 2, 3}, "the second is written, and not synced"
    assert first.reply.HasField("put"), "its entry had been synced before"
    assert not second.replies
    turner.runner.gate.set()
    await turner.accepted(3, 3)
    assert second.reply.HasField("put")
    await turner.stop()


@virtual_time
async def test_a_follower_votes_before_it_applies(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    turner.runner.gate.clear()
    applied: list[int] = []
    turner.transport.before_each = lambda: applied.append(turner.group.machine.applied_slot)
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1), m.Accept(LEADER, (Entry(2, LEADER, b""),), 2))
    turner.done.clear()
    turner.runner.gate.set()
    await turns()
    assert turner.done == ["flush", "synced", "send Accepted"]
    assert (applied[-1], turner.group.machine.applied_slot) == (0, 2)
    await turner.stop()


@virtual_time
async def test_a_fetch_of_what_is_truncated_is_answered_by_an_offer(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"", b"", b"")
    await turner.hear(2, m.Heartbeat(LEADER, 1, 3))
    turner.driver.truncate(1, 2)
    turner.driver.truncate(1, 1)
    await turns()
    assert turner.done[-2:] == ["truncate 2", "synced"], "off the loop, and the furthest counts"
    turner.done.clear()
    await turner.hear(3, m.Fetch(LEADER, 2))
    assert turner.done == ["offer to 3"]
    turner.done.clear()
    await turner.hear(3, m.Fetch(LEADER, 3))
    assert turner.done == ["send Decided"]
    await turner.stop()


@virtual_time
async def test_who_waits_for_a_truncation_goes_on_once_it_is_done(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.runner.gate.clear()
    first, second = (asyncio.create_task(turner.driver.truncated(1, base)) for base in (2, 3))
    await turns()
    assert not first.done() and turner.group.base == 3, "what is let go of is not served any more"
    turner.runner.gate.set()
    await turns()
    assert first.done() and second.done()
    assert turner.done == ["truncate 3", "synced"]
    await turner.stop()


@virtual_time
async def test_what_a_snapshot_decided_otherwise_than_the_log_has_it_is_not_handed_on(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"", b"accepted here, but not chosen")
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1))
    turner.done.clear()
    turner.group.install(Machine(DictBase(), EMPTY_STATE._replace(applied_slot=5)), clock.now())
    turner.driver.truncate(1, 5)
    await turner.hear(3, m.Fetch(LEADER, 1))
    assert turner.done == ["offer to 3", "truncate 5", "synced"]
    await turner.stop()


@virtual_time
async def test_messages_of_a_transfer_do_not_go_to_consensus(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.driver.receive("n2", [codec.encode(1, 2, 1, WantSnapshot(LEADER, 5))])
    turner.driver.receive("n3", [codec.encode(1, 2, 1, WantSnapshot(LEADER, 5))])
    assert turner.done == ["take WantSnapshot of 2"]
    assert turner.driver.refused_messages == 1, "of 2, but from n3"
    await turner.stop()


@virtual_time
async def test_alone_with_its_vote_a_leader_acknowledges_nothing(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    call = Asked(put(), deadline=1e9)
    turner.group.submit(call)
    turner.driver.wake()
    await turns()
    assert not call.replies
    await turner.accepted(3, 2)
    assert call.reply.HasField("put")
    await turner.stop()


@virtual_time
async def test_a_failing_flush_ends_the_driver_and_nothing_after_it_is_sent(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.log.failure = OSError("disk")
    await turner.follow(b"")
    assert turner.done == ["promise", "accept 1", "flush", "synced"]
    with pytest.raises(OSError, match="disk"):
        await turner.task
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1))
    assert turner.done.count("flush") == 1, "a failed sync is never tried again"
    assert turner.group.machine.applied_slot == 0


@virtual_time
async def test_a_log_that_lost_what_was_decided_ends_the_driver(clock: VirtualClock) -> None:
    turner = Turner(clock, new_group(durable=Durable(LEADER, 2)))
    turner.driver.wake()
    with pytest.raises(AssertionError, match="lost slot 1, which was decided"):
        await turner.task


@virtual_time
async def test_a_failing_flush_answers_no_call(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    turner.log.failure = OSError("disk")
    call = Asked(put(), deadline=1e9)
    turner.group.submit(call)
    await turner.accepted(3, 2)
    with pytest.raises(OSError, match="disk"):
        await turner.task
    assert not call.replies


@virtual_time
async def test_what_arrives_during_a_sync_is_for_the_next_turn_and_shares_its_sync(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.runner.gate.clear()
    await turner.hear(2, m.Accept(LEADER, (Entry(1, LEADER, b""),), 0))
    for slot in (2, 3, 4):
        await turner.hear(2, m.Accept(LEADER, (Entry(slot, LEADER, b""),), 0))
    assert turner.turns == 0
    turner.runner.gate.set()
    await turns()
    assert turner.done.count("flush") == 2
    assert turner.turns == 2
    await turner.stop()


@virtual_time
async def test_a_leader_is_heard_during_a_slow_sync_and_falls_silent_in_a_hopeless_one(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    turner.runner.gate.clear()
    turner.group.submit(Asked(put(), deadline=1e9))
    turner.driver.wake()
    await turns()
    began, beats = clock.now(), 0
    while clock.now() < began + SYNC_PATIENCE_S:
        turner.done.clear()
        await turner.hear(2, m.HeartbeatAck(turner.ballot, 1, 1))
        await clock.sleep(turner.group.replica.config.heartbeat_s)
        beats += turner.done.count("send Heartbeat") // 2
    assert beats >= 15
    assert turner.group.replica.leads
    turner.done.clear()
    await clock.sleep(10.0)
    assert not turner.done
    turner.runner.gate.set()
    await turner.stop()


@virtual_time
async def test_a_leader_is_heard_while_the_log_is_truncated(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    turner.runner.gate.clear()
    turner.driver.truncate(1, 1)
    hopeless = clock.now() + SYNC_PATIENCE_S
    while clock.now() < hopeless:
        turner.done.clear()
        await turner.hear(2, m.HeartbeatAck(turner.ballot, 1, 1))
        await clock.sleep(turner.group.replica.config.election_timeout_s / 2)
        assert "send Heartbeat" in turner.done
    assert turner.group.replica.leads
    turner.runner.gate.set()
    await turns()
    assert "truncate 1" in turner.done
    await turner.stop()


@virtual_time
async def test_messages_that_wait_for_a_hopeless_sync_take_bounded_room(clock: VirtualClock) -> None:
    turner = Turner(clock)
    turner.runner.gate.clear()
    await turner.follow(b"")
    await clock.sleep(SYNC_PATIENCE_S + 1.0)
    payload = bytes(1 << 20)
    for slot in range(2, 42):
        await turner.hear(2, m.Accept(LEADER, (Entry(slot, LEADER, payload),), 0))
    turner.runner.gate.set()
    await turns()
    assert max(turner.log.entries) == 1 + INBOX_BYTES_MAX // len(payload)
    assert turner.group.replica.ignored[INBOX_FULL] == 41 - max(turner.log.entries)
    await turner.stop()


@virtual_time
async def test_a_follower_acknowledges_heartbeats_during_a_slow_sync_but_no_unwritten_promise(
    clock: VirtualClock,
) -> None:
    turner = Turner(clock)
    turner.runner.gate.clear()
    await turner.follow(b"")
    await turner.hear(2, m.Heartbeat(LEADER, 1, 0))
    assert "send HeartbeatAck" not in turner.done, "the promise is not durable"
    turner.runner.gate.set()
    await turns()
    turner.runner.gate.clear()
    turner.done.clear()
    await turner.hear(2, m.Accept(LEADER, (Entry(2, LEADER, b""),), 0))
    await turner.hear(2, m.Heartbeat(LEADER, 2, 1))
    assert turner.done == ["accept 2", "send HeartbeatAck"]
    turner.runner.gate.set()
    await turns()
    assert turner.done == ["accept 2", "send HeartbeatAck", "flush", "synced", "send Accepted", "decided 1"]
    assert turner.group.machine.applied_slot == 1
    await turner.stop()


@virtual_time
async def test_deadlines_pass_during_a_slow_sync_and_a_hopeless_one(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    turner.runner.gate.clear()
    for seconds in (1.0, 2 * SYNC_PATIENCE_S):
        call = Asked(put(), deadline=clock.now() + seconds)
        turner.group.submit(call)
        turner.driver.wake()
        await clock.sleep(seconds + 2 * EXPIRY_STEP_S)
        assert call.reply.error.detail.reason == Reason.DEADLINE
    turner.runner.gate.set()
    await turner.stop()


@virtual_time
async def test_one_sync_covers_all_groups(clock: VirtualClock) -> None:
    turner = Turner(clock, new_group(number=1), new_group(number=2))
    accept = m.Accept(LEADER, (Entry(1, LEADER, b""),), 0)
    turner.driver.receive("n2", [codec.encode(group, 2, 1, accept) for group in (1, 2)])
    await turns()
    assert turner.done.count("flush") == 1
    assert [node for node, _ in turner.transport.sent] == ["n2", "n2"]
    await turner.stop()


@virtual_time
async def test_what_is_decided_goes_to_the_log_without_a_sync_of_its_own(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    turner.done.clear()
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1))
    assert turner.done == ["send HeartbeatAck", "decided 1"]
    assert turner.group.machine.applied_slot == 1
    await turner.stop()


@virtual_time
async def test_an_idle_driver_sleeps(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    before = turner.turns
    await clock.sleep(0.5)
    assert turner.turns == before
    await turner.stop()


@virtual_time
async def test_deadlines_of_waiting_calls_are_kept(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    write, read = Asked(put(), deadline=clock.now() + 0.3), Asked(get(), deadline=clock.now() + 0.3)
    for call in (write, read):
        turner.group.submit(call)
    turner.driver.wake()
    await clock.sleep(0.29)
    assert not write.replies
    assert not read.replies
    await clock.sleep(0.02 + EXPIRY_STEP_S)
    assert not write.error.detail.surely_not_done
    assert read.error.detail.surely_not_done
    await turner.stop()


@virtual_time
async def test_news_are_told_in_the_turn_that_brought_them(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.lead()
    leads: list[bool] = []
    turner.group.listeners.append(lambda: leads.append(turner.group.leads))
    await clock.sleep(turner.group.replica.config.election_timeout_s + 0.2)  # no quorum answers
    assert leads[0] is False
    await turner.stop()


@virtual_time
async def test_messages_that_are_not_what_they_claim_are_dropped(clock: VirtualClock) -> None:
    turner = Turner(clock)
    heartbeat = m.Heartbeat(LEADER, 1, 0)
    turner.driver.receive("n2", [b"\xff"])
    turner.driver.receive("n2", [codec.encode(9, 2, 1, heartbeat)])  # no such group
    turner.driver.receive("n2", [codec.encode(1, 2, 8, heartbeat)])  # another's replica
    turner.driver.receive("n3", [codec.encode(1, 2, 1, heartbeat)])  # n3 speaks for n2
    turner.driver.receive("n2", [codec.encode(1, 88, 1, heartbeat)])  # an unknown replica
    await turns()
    assert turner.driver.refused_messages == 5
    assert turner.group.leader_node is None
    await turner.hear(2, heartbeat)
    assert turner.group.leader_node == "n2"
    await turner.stop()


@virtual_time
async def test_who_fetches_gets_decided_entries_from_the_log(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"", b"", b"")
    await turner.hear(2, m.Heartbeat(LEADER, 1, 3))
    await turner.hear(3, m.Fetch(LEADER, 2))
    node, message = turner.transport.sent[-1]
    assert node == "n3"
    assert isinstance(message, m.Decided)
    assert (message.first, message.decided_through) == (2, 3)
    assert [entry.slot for entry in message.entries] == [2, 3]
    assert turner.log.reads == [(2, 3, DECIDED_BYTES_MAX)]
    await turner.stop()
