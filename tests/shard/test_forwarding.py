"""Calls passed on to the leader's node: what comes back to the caller, and what is tried again."""

from __future__ import annotations

import pytest

from ostraka.errors import Status
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Command
from ostraka_server.shard.calls import Call
from ostraka_server.shard.forwarding import Forwarder
from tests.client.fake_cluster import FakeCluster, failing, silent
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.asking import Asked, get, put


class Onward:
    """A forwarder to the nodes of a fake cluster."""

    def __init__(self, clock: VirtualClock) -> None:
        self.cluster = FakeCluster()
        self.forwarder = Forwarder(self.cluster, {node.name: node.address for node in self.cluster.nodes}, clock)
        self.retried: list[Call] = []

    def forward(self, command: Command, node: str = "n1", *, deadline: float = 10.0) -> Asked:
        call = Asked(command, deadline)
        self.forwarder.forward(call, node, self.retried.append)
        return call


@virtual_time
async def test_the_leaders_answer_is_the_callers(clock: VirtualClock) -> None:
    onward = Onward(clock)
    write, read = onward.forward(put()), onward.forward(get())
    await turns(20)
    assert onward.forwarder.calls == 2
    assert write.reply.put.header.node == "n1"
    assert read.reply.get.kv.value == b"v"
    assert [len(frame.calls) for frame in onward.cluster.named("n1").frames] == [2], "gathered into one frame"
    assert all(call.forwarded for call in onward.cluster.named("n1").calls)
    await onward.forwarder.close()


@virtual_time
async def test_a_refusal_that_surely_had_no_effect_is_tried_again(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = failing(Status.UNAVAILABLE, pb.NOT_LEADER)
    call = onward.forward(put())
    await turns(20)
    assert onward.retried == [call]
    assert not call.replies
    await onward.forwarder.close()


@virtual_time
async def test_what_can_never_succeed_is_told_at_once(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = failing(Status.INVALID_ARGUMENT, pb.INVALID)
    call = onward.forward(put())
    await turns(20)
    assert call.error.detail.reason == pb.INVALID
    await onward.forwarder.close()


@virtual_time
async def test_a_node_that_cannot_be_reached_had_nothing_of_it(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").up = False
    call = onward.forward(put())
    await turns(20)
    assert onward.retried == [call]
    await onward.forwarder.close()


@virtual_time
async def test_a_write_whose_connection_broke_is_unknown_and_not_the_gateways_fault(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = silent
    write, read = onward.forward(put()), onward.forward(get())
    await turns(20)
    onward.cluster.named("n1").die()
    await turns(20)
    assert write.error.code == Status.UNAVAILABLE
    assert not write.error.detail.surely_not_done
    assert write.error.detail.reason == pb.NO_LEADER, "without a reason the client would avoid this gateway"
    assert "n1" in write.error.message
    assert onward.retried == [read]
    await onward.forwarder.close()


@virtual_time
async def test_a_stream_that_ends_badly_leaves_reads_to_be_tried_again(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = silent
    write, read = onward.forward(put()), onward.forward(get())
    await turns(20)
    onward.cluster.named("n1").streams[0].deliver_raw(b"\xff\xff")
    await turns(20)
    assert not write.error.detail.surely_not_done
    assert onward.retried == [read]
    await onward.forwarder.close()


@virtual_time
async def test_a_new_connection_is_made_after_one_broke(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.forward(put())
    await turns(20)
    onward.cluster.named("n1").streams[0].break_off()
    await turns(20)
    again = onward.forward(put())
    await turns(20)
    assert again.reply.HasField("put")
    await onward.forwarder.close()


@virtual_time
async def test_a_silent_leader_ends_in_the_callers_deadline(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = silent
    call = onward.forward(put(), deadline=2.0)
    await clock.sleep(2.1)
    assert call.error.detail.reason == pb.DEADLINE
    assert not call.error.detail.surely_not_done
    assert not onward.retried
    await onward.forwarder.close()


@virtual_time
async def test_a_withdrawn_call_is_neither_answered_nor_tried_again(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = failing(Status.UNAVAILABLE, pb.NOT_LEADER)
    call = onward.forward(put())
    call.is_answered = True
    await turns(20)
    assert not onward.retried
    assert not call.replies
    await onward.forwarder.close()


@virtual_time
async def test_closing_ends_what_is_under_way(clock: VirtualClock) -> None:
    onward = Onward(clock)
    onward.cluster.named("n1").behaviour = silent
    call = onward.forward(put())
    await turns(20)
    await onward.forwarder.close()
    assert not call.error.detail.surely_not_done


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_the_address_that_clients_use(node: str) -> None:
    @virtual_time
    async def check(clock: VirtualClock) -> None:
        assert Onward(clock).forwarder.address(node) == f"a{node[1]}:1"

    check()
