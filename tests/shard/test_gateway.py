"""Where every call enters: what is refused, where the rest goes, what waits, and that everything is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import CompactRequest
from ostraka_server.config import Limits
from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Heartbeat
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import PARKED_RETRY_S, Gateway
from ostraka_server.shard.layout import LAYOUT_KEY, Layout, Shard
from ostraka_server.shard.router import Router
from tests.client.fake_cluster import FakeCluster
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import apply
from tests.machine.commands import entry
from tests.shard.asking import bounded_get, get, local_get, put
from tests.shard.script import Script, new_group

LIMITS = Limits(calls_in_flight_max=3, default_timeout_ms=2000, timeout_ms_max=4000)
WAIT_S = LIMITS.read_point_wait_ms / 1000


class RecordingForwarder(Forwarder):
    """Forwards nothing; the test decides what comes back."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(FakeCluster(), {f"n{i}": f"a{i}:1" for i in (1, 2, 3)}, clock)
        self.forwarded: list[tuple[Call, str, Callable[[Call], None]]] = []

    def forward(self, call: Call, node: str, retry: Callable[[Call], None]) -> None:
        self.forwarded.append((call, node, retry))


class Entrance:
    """A gateway on n1 before the data shard's replica, whose peers the test plays."""

    def __init__(self, clock: VirtualClock, *, opened: bool = True) -> None:
        self.clock = clock
        self.forwarder = RecordingForwarder(clock)
        self.gateway = Gateway(node="n1", limits=LIMITS, forwarder=self.forwarder, clock=clock)
        self.system, self.data = new_group(number=0), Script(new_group(number=1))
        self.wakes = 0
        if opened:
            self.gateway.open(Router({0: self.system, 1: self.data.group}), self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def submit(self, command: Command | bytes, timeout_ms: int = 0, *, forwarded: bool = False) -> list[Reply]:
        """The replies, as they come."""
        return self.submit_call(command, timeout_ms, forwarded=forwarded)[1]

    def submit_call(
        self, command: Command | bytes, timeout_ms: int = 0, *, forwarded: bool = False
    ) -> tuple[Call | None, list[Reply]]:
        replies: list[Reply] = []
        data = command if isinstance(command, bytes) else command.SerializeToString()
        return self.gateway.submit(data, timeout_ms, replies.append, forwarded=forwarded), replies

    def led_by_2(self) -> None:
        """n2 is heard as leader."""
        self.data.hear(2, Heartbeat(Ballot(1, self.data.ballot.round + 1, 2), 1, 0))
        self.data.turn()


def assert_goes_elsewhere(replies: list[Reply]) -> None:
    """Its caller may try again, and should at another node."""
    assert reason(replies) == Reason.NO_LEADER
    error = replies[0].error
    assert (error.code, error.detail.surely_not_done) == (failures.UNAVAILABLE, True)


def reason(replies: list[Reply]) -> Reason.ValueType:
    (reply,) = replies
    assert reply.HasField("error"), reply
    return reply.error.detail.reason


@virtual_time
async def test_nothing_is_taken_before_the_groups_are_there(clock: VirtualClock) -> None:
    entrance = Entrance(clock, opened=False)
    entrance.gateway.waits_for(["n2", "n3"])
    (reply,) = entrance.submit(put())
    assert reply.error.detail.reason == Reason.NOT_READY
    assert "n2, n3" in reply.error.message
    assert reply.error.detail.surely_not_done


@virtual_time
async def test_what_is_no_command_is_refused(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    for junk in (b"\xff\xff", b"", Command(), put(b""), put(b"k" * (LIMITS.key_bytes_max + 1))):
        call, replies = entrance.submit_call(junk)
        assert call is None
        assert reason(replies) in (Reason.INVALID, Reason.TOO_LARGE)
    assert entrance.gateway.in_flight == 0


@virtual_time
async def test_a_leader_takes_the_call_and_has_the_group_turned(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.data.lead()
    replies = entrance.submit(put())
    assert entrance.wakes == 1
    entrance.data.turn()
    entrance.data.accept()
    assert replies[0].HasField("put")
    assert entrance.gateway.in_flight == 0


@virtual_time
async def test_a_follower_passes_the_call_on_to_the_leader(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    replies = entrance.submit(put())
    ((call, node, _),) = entrance.forwarder.forwarded
    assert node == "n2"
    call.answer(Reply(id=5))
    assert replies == [Reply(id=5)]


@virtual_time
async def test_what_was_passed_on_once_is_not_passed_on_again(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    (reply,) = entrance.submit(put(), forwarded=True)
    assert reply.error.detail.reason == Reason.NOT_LEADER
    assert (reply.error.detail.leader_node, reply.error.detail.leader_address) == ("n2", "a2:1")
    assert reply.error.detail.surely_not_done
    assert not entrance.forwarder.forwarded


@virtual_time
async def test_what_was_passed_on_does_not_wait_for_a_leader(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    assert reason(entrance.submit(put(), forwarded=True)) == Reason.NO_LEADER


@virtual_time
async def test_a_local_read_is_answered_without_a_leader(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    (reply,) = entrance.submit(local_get())
    assert reply.HasField("get")


@virtual_time
async def test_a_bounded_read_is_answered_here_once_the_leader_named_a_read_point(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    replies = entrance.submit(bounded_get(100))
    assert entrance.wakes == 1
    entrance.data.turn()
    entrance.data.tell_read_point(0)
    assert replies[0].HasField("get")
    assert not entrance.forwarder.forwarded
    assert entrance.submit(bounded_get(100))[0].HasField("get"), "it is fresh enough now"
    assert entrance.wakes == 1


@virtual_time
async def test_a_bounded_read_that_gets_no_read_point_had_better_go_to_another_node(clock: VirtualClock) -> None:
    for forwarded in (False, True):
        entrance = Entrance(clock)
        entrance.led_by_2()  # whom nobody hears here
        replies = entrance.submit(bounded_get(100), 2000, forwarded=forwarded)
        await clock.sleep(WAIT_S - 0.01)
        entrance.data.group.expire(clock.now())
        assert not replies
        await clock.sleep(0.01)
        entrance.data.group.expire(clock.now())
        assert_goes_elsewhere(replies)


@virtual_time
async def test_a_bounded_read_waits_for_a_leader_no_longer_than_for_a_read_point(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    replies, write, strict = (entrance.submit(command, 2000) for command in (bounded_get(100), put(), get()))
    await clock.sleep(WAIT_S - 0.01)
    assert not replies
    await clock.sleep(0.01 + PARKED_RETRY_S)
    assert_goes_elsewhere(replies)
    assert not write and not strict, "other nodes would have to find the leader, too"


@virtual_time
async def test_a_bounded_read_is_told_of_a_deadline_that_comes_first(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    replies = entrance.submit(bounded_get(100), 300)
    await clock.sleep(0.29)
    assert not replies
    await clock.sleep(0.01 + PARKED_RETRY_S)
    assert reason(replies) == Reason.DEADLINE


@virtual_time
async def test_a_bounded_read_of_a_lost_store_goes_to_the_leader(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    entrance.data.group.lose()
    entrance.submit(bounded_get(100))
    assert [node for _, node, _ in entrance.forwarder.forwarded] == ["n2"]


@virtual_time
async def test_a_call_waits_for_a_leader_and_goes_there_at_once(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    replies = entrance.submit(put())
    await clock.sleep(1.0)
    assert not replies
    assert entrance.gateway.parked == 1
    entrance.led_by_2()
    assert [node for _, node, _ in entrance.forwarder.forwarded] == ["n2"]
    assert entrance.gateway.parked == 0


@virtual_time
async def test_a_call_without_a_leader_is_answered_at_its_deadline(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    replies = entrance.submit(put(), 1000)
    await clock.sleep(0.99)
    assert not replies
    await clock.sleep(0.02 + PARKED_RETRY_S)
    assert reason(replies) == Reason.DEADLINE
    assert replies[0].error.detail.surely_not_done
    assert entrance.gateway.in_flight == 0


@virtual_time
async def test_a_call_that_came_back_is_tried_again_but_not_without_a_pause(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    replies = entrance.submit(put())
    call, _, retry = entrance.forwarder.forwarded[0]
    retry(call)
    await turns()
    assert len(entrance.forwarder.forwarded) == 1
    await clock.sleep(PARKED_RETRY_S)
    assert len(entrance.forwarder.forwarded) == 2
    assert not replies


@virtual_time
async def test_a_call_that_came_back_to_the_new_leader_is_carried_out_here(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.led_by_2()
    entrance.submit(put())
    call, _, retry = entrance.forwarder.forwarded[0]
    entrance.data.lead()
    retry(call)
    await clock.sleep(PARKED_RETRY_S)
    entrance.data.turn()
    assert len(entrance.data.proposed()) == 2


@virtual_time
async def test_a_withdrawn_call_that_waits_goes_nowhere(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    call, replies = entrance.submit_call(put())
    assert call is not None
    entrance.gateway.withdraw(call)
    assert entrance.gateway.in_flight == 0
    assert entrance.gateway.tally.operations["put", failures.CANCELLED] == 1
    assert not entrance.gateway.tally.refusals[Reason.DEADLINE], "nobody's time was up"
    entrance.led_by_2()
    await clock.sleep(5.0)
    assert not entrance.forwarder.forwarded
    assert len(replies) == 1


@virtual_time
async def test_a_withdrawn_write_is_not_proposed(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.data.lead()
    call, replies = entrance.submit_call(put())
    assert call is not None
    entrance.gateway.withdraw(call)
    entrance.data.turn()
    assert len(entrance.data.proposed()) == 1, "the barrier"
    assert not replies[0].error.detail.surely_not_done, "the gateway did not look"


@virtual_time
async def test_withdrawn_deposed_and_expired_a_call_is_answered_once(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.data.lead()
    call, replies = entrance.submit_call(put(), 1000)
    entrance.data.turn()
    assert call is not None
    entrance.data.deposed()
    entrance.gateway.withdraw(call)
    entrance.data.group.expire(clock.now() + 100)
    entrance.data.led_by_2(b"")
    await clock.sleep(5.0)
    assert len(replies) == 1
    assert entrance.gateway.in_flight == 0
    assert not entrance.forwarder.forwarded


@virtual_time
async def test_calls_in_flight_are_bounded(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    waiting = [entrance.submit(put()) for _ in range(LIMITS.calls_in_flight_max)]
    (reply,) = entrance.submit(get())
    assert reply.error.detail.reason == Reason.OVERLOADED
    assert reply.error.detail.retry_after_ms > 0
    assert "calls_in_flight_max" in reply.error.message
    await clock.sleep(3.0)
    assert [reason(replies) for replies in waiting] == [Reason.DEADLINE] * 3
    assert entrance.submit(get()) == []


@pytest.mark.parametrize(("asked_ms", "given_s"), [(0, 2.0), (500, 0.5), (3_600_000, 4.0)])
def test_every_call_has_a_deadline(asked_ms: int, given_s: float) -> None:
    @virtual_time
    async def check(clock: VirtualClock) -> None:
        entrance = Entrance(clock)
        call, _ = entrance.submit_call(put(), asked_ms)
        assert call is not None
        assert call.deadline == clock.now() + given_s

    check()


@virtual_time
async def test_a_closing_gateway_takes_nothing_and_waits_for_what_is_under_way(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    waiting = entrance.submit(put(), 1000)
    await entrance.gateway.close()
    assert clock.now() == pytest.approx(1.0, abs=2 * PARKED_RETRY_S)
    assert reason(waiting) == Reason.DEADLINE
    (reply,) = entrance.submit(put())
    assert reply.error.detail.reason == Reason.SHUTTING_DOWN
    assert reply.error.detail.surely_not_done


@virtual_time
async def test_an_idle_gateway_closes_at_once(clock: VirtualClock) -> None:
    await Entrance(clock).gateway.close()
    assert clock.now() == 0.0


@virtual_time
async def test_what_names_a_shard_goes_to_its_group(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    entrance.data.lead()
    for shard in (0, 1):
        entrance.submit(put())
        replies = entrance.submit(Command(compact=CompactRequest(shard=shard, revision=1 + shard)))
        entrance.data.accept()
        assert replies[0].compact.header.shard == 1
    assert entrance.data.group.machine.compact_revision == 2
    (reply,) = entrance.submit(Command(compact=CompactRequest(shard=7, revision=1)))
    assert reply.error.detail.reason == Reason.NO_SUCH_SHARD
    assert entrance.gateway.in_flight == 0


@virtual_time
async def test_where_there_are_several_shards_one_has_to_be_named(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    layout = Layout(2, (Shard(1, 1, b"", b"m"), Shard(2, 1, b"m", b"")))
    apply(entrance.system.machine, entry(put(LAYOUT_KEY, layout.encode())))
    (reply,) = entrance.submit(Command(compact=CompactRequest(revision=1)))
    assert reply.error.detail.reason == Reason.INVALID
    assert "shard" in reply.error.message
    assert entrance.gateway.in_flight == 0
