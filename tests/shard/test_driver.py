"""The order of a turn: send what may go, persist, sync, send what claims it, apply and answer; seen through fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from ostraka_server.paxos import Ballot, Entry
from ostraka_server.paxos import messages as m
from ostraka_server.shard import codec
from ostraka_server.shard.driver import DECIDED_BYTES_MAX, EXPIRY_STEP_S, Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.snapshots import SnapshotMessage, WantSnapshot
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import DictBase
from tests.shard.asking import Asked, get, put
from tests.shard.script import new_group

T = TypeVar("T")

LEADER = Ballot(1, 5, 2)
"""Of replica 2, on n2."""


class RecordingLog:
    """Notes every call; `flush` fails on demand."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.entries: dict[int, Entry] = {}
        self.failure: Exception | None = None
        self.reads: list[tuple[int, int, int]] = []
        self.truncated = 0

    def promise(self, group: int, ballot: tuple[int, int, int]) -> None:
        self._done.append("promise")

    def accept(self, group: int, slot: int, ballot: tuple[int, int, int], payload: bytes) -> None:
        self._done.append(f"accept {slot}")
        self.entries[slot] = Entry(slot, Ballot(*ballot), payload)

    def decided(self, group: int, through: int) -> None:
        self._done.append(f"decided {through}")

    def flush(self) -> None:
        self._done.append("flush")
        if self.failure is not None:
            raise self.failure

    def read(self, group: int, first: int, through: int, max_bytes: int) -> Sequence[Entry]:
        self.reads.append((first, through, max_bytes))
        return [self.entries[slot] for slot in range(first, through + 1) if slot in self.entries]

    def base(self, group: int) -> int:
        return self.truncated

    def truncate(self, group: int, base: int) -> None:
        self._done.append(f"truncate {base}")
        self.truncated = base


class RecordingTransfers:
    """Notes what the driver hands over."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def take(self, sender: int, message: SnapshotMessage) -> None:
        self._done.append(f"take {type(message).__name__} of {sender}")

    def offer(self, to: int, ballot: Ballot) -> None:
        self._done.append(f"offer to {to}")


class HeldRunner:
    """Work ends when the test says so."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, work: Callable[[], T]) -> T:
        await self.gate.wait()
        try:
            return work()
        finally:
            self._done.append("synced")

    def close(self) -> None: ...


class RecordingTransport:
    """Notes what is sent, decoded."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.sent: list[tuple[str, codec.ReplicaMessage]] = []

    def send(self, node: str, messages: Sequence[bytes]) -> None:
        for data in messages:
            *_, message = codec.decode(data)
            self._done.append(f"send {type(message).__name__}")
            self.sent.append((node, message))


class Turner:
    """A driver of one group on n1, running."""

    def __init__(self, clock: VirtualClock, *groups: Group) -> None:
        self.clock = clock
        self.done: list[str] = []
        self.log, self.runner = RecordingLog(self.done), HeldRunner(self.done)
        self.transport = RecordingTransport(self.done)
        self.driver = Driver(log=self.log, log_runner=self.runner, transport=self.transport, clock=clock)
        self.groups = groups or (new_group(),)
        self.rerouted: list[Asked] = []
        for group in self.groups:
            group.reroute = self.rerouted.append  # type: ignore[assignment]  # all calls are Asked here
            flusher = Flusher(group, DictBase(), self.runner, clock, 1000.0, 1000)
            self.driver.add(group, flusher, RecordingTransfers(self.done))
        self.task = asyncio.create_task(self.driver.run())

    @property
    def group(self) -> Group:
        return self.groups[0]

    @property
    def ballot(self) -> Ballot:
        """What the first group's replica has promised."""
        return self.group.replica.ballot

    async def accepted(self, sender: int, slot: int) -> None:
        """A vote of 2 or 3 for what the replica proposed."""
        await self.hear(sender, m.Accepted(self.ballot, (slot,)))

    async def hear(self, sender: int, *messages: m.Message, group: int = 1) -> None:
        self.driver.receive(f"n{sender}", [codec.encode(group, sender, 1, message) for message in messages])
        await turns()

    async def follow(self, *payloads: bytes) -> None:
        """2 leads and proposes."""
        first = self.group.replica.decided_through + 1
        entries = tuple(Entry(slot, LEADER, payload) for slot, payload in enumerate(payloads, first))
        await self.hear(2, m.Accept(LEADER, entries, 0))

    async def lead(self) -> None:
        """Be elected and serve."""
        await self.clock.sleep(self.group.replica.config.election_timeout_s * 2)
        await self.hear(2, m.PrePromise(Ballot(1, 1, 1), True, self.ballot, 0))
        await self.hear(2, m.Promise(self.ballot, (), 0))
        await self.accepted(2, 1)
        assert self.group.replica.serving

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


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
async def test_a_follower_applies_nothing_that_the_sync_under_way_is_for(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    turner.runner.gate.clear()
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1), m.Accept(LEADER, (Entry(2, LEADER, b""),), 2))
    assert turner.group.machine.applied_slot == 1
    turner.runner.gate.set()
    await turns()
    assert turner.group.machine.applied_slot == 2
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
    assert turner.driver.turns == 1
    turner.runner.gate.set()
    await turns()
    assert turner.done.count("flush") == 2
    assert turner.driver.turns == 2
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
    assert turner.done == ["decided 1", "send HeartbeatAck"]
    assert turner.group.machine.applied_slot == 1
    await turner.stop()


@virtual_time
async def test_an_idle_driver_sleeps(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    before = turner.driver.turns
    await clock.sleep(0.5)
    assert turner.driver.turns == before
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
