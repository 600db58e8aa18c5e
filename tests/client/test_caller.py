"""Calls that persist: failures of nodes, as the callers of a client live through them."""

from __future__ import annotations

import asyncio
import random

import pytest

from ostraka import errors
from ostraka._caller import LOOK_PAUSE_S
from ostraka._exchange import CONNECT_TIMEOUT_S
from ostraka.aio import Client
from ostraka.errors import Status, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Reply
from tests.client.fake_cluster import FakeCluster, failing, silent
from tests.client.virtual_time import VirtualClock, turns, virtual_time


def client_of(cluster: FakeCluster, clock: VirtualClock, *endpoints: str) -> Client:
    return Client(endpoints or "a1:1", _transport=cluster, _clock=clock, _random=random.Random(1))


async def informed(cluster: FakeCluster, clock: VirtualClock, *endpoints: str) -> Client:
    """A client that has made a call and then looked at the cluster."""
    client = client_of(cluster, clock, *endpoints)
    await client.put("first", "")
    await turns()
    return client


def keys(cluster: FakeCluster, node: str) -> list[bytes]:
    return [call.command.put.key for call in cluster.named(node).calls if call.command.HasField("put")]


@virtual_time
async def test_a_hundred_puts_are_few_frames(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        await asyncio.gather(*(client.put(f"k{i}", "v") for i in range(100)))
        assert len(cluster.data) == 101
        assert len(cluster.named("n1").frames) == 3  # the first of them registered the client


@virtual_time
async def test_from_one_endpoint_the_leader_is_found(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock, "a2:1") as client:  # n2 forwards to n1
        await client.put("k", "v")
    assert [command.HasField("register") for command in cluster.named("n2").greetings] == [True]
    assert (keys(cluster, "n2"), keys(cluster, "n1")) == ([], [b"first", b"k"])
    assert cluster.looks == 1


@virtual_time
async def test_the_seed_may_die_once_the_others_are_known(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        cluster.leader = "n2"
        cluster.named("n1").die()
        await turns()
        await client.put("k", "v", timeout=1.0)
        assert await client.get("k")


@virtual_time
async def test_a_dead_seed_among_others_is_passed_over(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    cluster.leader = "n3"
    cluster.named("n1").up = False
    cluster.named("n2").up = False
    async with client_of(cluster, clock, "a1:1", "a2:1", "a3:1") as client:
        await client.put("k", "v")
    assert clock.now() < 0.5


@virtual_time
async def test_a_new_leader_is_learned_from_forwarded_answers(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        cluster.leader = "n3"
        await client.put("forwarded", "v")
        await client.put("direct", "v")
    assert keys(cluster, "n1") == [b"first", b"forwarded"]
    assert keys(cluster, "n3") == [b"direct"]
    assert clock.now() == 0.0


@virtual_time
async def test_a_hint_is_followed_without_delay(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        cluster.leader = "n2"
        cluster.named("n1").behaviour = cluster.named("n1").hint
        await client.put("k", "v")
        assert keys(cluster, "n2") == [b"k"]
        assert clock.now() == 0.0


@virtual_time
async def test_a_leader_only_others_can_reach_is_reached_through_them(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        unreachable = cluster.named("n1")
        unreachable.address = "elsewhere:1"
        for stream in unreachable.streams:
            stream.break_off()
        await turns()
        for i in range(20):
            await client.put(f"k{i}", "v", timeout=2.0)
    assert len(keys(cluster, "n2")) + len(keys(cluster, "n3")) == 20


@virtual_time
async def test_calls_wait_for_an_election(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        cluster.leader = None
        waiting = [asyncio.create_task(client.put(f"k{i}", "v")) for i in range(10)]
        await clock.sleep(1.5)
        cluster.leader = "n2"
        await asyncio.gather(*waiting)
        assert clock.now() < 2.0
    assert len(cluster.data) == 11


@virtual_time
async def test_what_was_in_flight_on_a_broken_stream_is_asked_again_elsewhere(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        node = cluster.named("n1")
        node.behaviour = silent
        write = asyncio.create_task(client.put("k", "v"))
        read = asyncio.create_task(client.get("k"))
        await turns()
        node.behaviour = None
        cluster.leader = "n2"
        node.die()
        assert (await write).revision == 3
        assert await read is None
    sent = [call.command for node in cluster.nodes for call in node.calls if call.command.put.key == b"k"]
    assert len(sent) == 2 and sent[0] == sent[1]


@virtual_time
async def test_a_write_never_sent_is_tried_elsewhere(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        node = cluster.named("n1")
        node.streams[0].pause = asyncio.Event()
        node.behaviour = silent
        sent = asyncio.create_task(client.put("sent", "v"))
        await turns()
        queued = asyncio.create_task(client.put("queued", "v"))
        await turns()
        cluster.leader = "n2"
        node.die()
        await queued
        await sent
    assert set(cluster.data) == {b"first", b"queued", b"sent"}
    assert keys(cluster, "n1") == [b"first", b"sent"]


@virtual_time
async def test_a_write_that_the_server_surely_did_not_do_is_tried_again(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    node = cluster.named("n1")
    failures = iter([failing(Status.UNAVAILABLE, pb.NO_LEADER)] * 3)
    node.behaviour = lambda call: next(failures, node.serve)(call)
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
    assert len(node.calls) == 4


@virtual_time
async def test_what_changes_the_cluster_is_asked_of_a_node_that_answers(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    for name in ("n1", "n2"):
        cluster.named(name).die()
    for _ in range(5):
        async with client_of(cluster, clock, "a1:1", "a2:1", "a3:1") as client:
            await client.transfer_leader(1, "n3")
    cluster.named("n3").die()
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.ConnectionLost, match="the node cannot be reached: connection refused"):
            await client.transfer_leader(1, "n3")


@virtual_time
async def test_what_changes_the_cluster_and_may_have_been_done_is_unknown(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.fails = to_wire(Status.UNAVAILABLE, "as told", reason=pb.NO_LEADER)
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.OutcomeUnknown, match="no leader: as told"):
            await client.transfer_leader(1, "n1")
    assert clock.now() == 0.0


@virtual_time
async def test_an_overloaded_server_gets_the_time_it_asks_for(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    busy = failing(Status.RESOURCE_EXHAUSTED, pb.OVERLOADED, retry_after_ms=400)
    cluster.named("n1").behaviour = busy
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.Overloaded, match=r"tried [34] times in 1\.5 s") as caught:
            await client.put("k", "v", timeout=1.5)
    assert caught.value.retry_after == 0.4
    assert len(cluster.named("n1").calls) in (3, 4)  # 0.4 s and up to half as much again for jitter


@virtual_time
async def test_a_refusal_is_final(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.named("n1").behaviour = failing(Status.INVALID_ARGUMENT, pb.INVALID)
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.InvalidRequest, match=r"as told \(a1:1\)"):
            await client.get("")
    assert len(cluster.named("n1").calls) == 1


@pytest.mark.parametrize("state", ["refusing", "hanging", "silent", "leaderless"])
def test_a_deadline_ends_the_call_whatever_the_nodes_do(state: str) -> None:
    @virtual_time
    async def in_this_state(clock: VirtualClock) -> None:
        cluster = FakeCluster()
        for node in cluster.nodes:
            node.up = state != "refusing"
            node.hangs = state == "hanging"
            node.behaviour = silent if state == "silent" else None
        cluster.leader = None
        async with client_of(cluster, clock, "a1:1", "a2:1") as client:
            for call in (client.get("k"), client.put("k", "v"), client.delete("k"), client.count()):
                began = clock.now()
                with pytest.raises((errors.Retryable, errors.OutcomeUnknown)):
                    await call
                assert clock.now() - began <= 5.0 + 0.01
                assert clock.now() - began >= 4.7  # it did not give up early either

    in_this_state()


@virtual_time
async def test_what_stood_in_the_way_is_what_is_raised(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    cluster.leader = None
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.NoLeader, match=r"tried \d+ times in 1 s"):
            await client.put("k", "v", timeout=1.0)
        for node in cluster.nodes:
            node.die()
        with pytest.raises(errors.ConnectionLost):
            await client.put("k", "v", timeout=1.0)


@virtual_time
async def test_what_stood_in_the_way_is_raised_also_when_time_runs_out_in_a_try(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.leader = None
    node = cluster.named("n1")
    async with client_of(cluster, clock) as client:
        call = asyncio.create_task(client.get("k", timeout=1.0))
        await turns()
        node.behaviour = silent
        with pytest.raises(errors.NoLeader, match=r"tried 2 times in 1 s"):
            await call


@virtual_time
async def test_silence_is_a_missed_deadline_for_a_read_and_unknown_for_a_write(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.named("n1").behaviour = silent
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.DeadlineExceeded):
            await client.get("k")
        with pytest.raises(errors.OutcomeUnknown):
            await client.put("k", "v")


@virtual_time
async def test_a_node_that_does_not_take_connections_costs_one_wait(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    cluster.named("n1").hangs = True
    async with client_of(cluster, clock, "a1:1", "a2:1", "a3:1") as client:
        cluster.leader = "n2"
        await asyncio.gather(*(client.put(f"k{i}", "v") for i in range(30)))
    assert clock.now() < CONNECT_TIMEOUT_S + 0.1


@virtual_time
async def test_a_cancelled_call_is_withdrawn_from_the_node(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    node = cluster.named("n1")
    node.behaviour = silent
    async with client_of(cluster, clock) as client:
        call = asyncio.create_task(client.put("k", "v"))
        await turns()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await turns()
        assert node.cancelled == [node.calls[0].id]


@virtual_time
async def test_closing_ends_the_calls_in_flight(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.named("n1").behaviour = silent
    client = client_of(cluster, clock)
    write, read = asyncio.create_task(client.put("k", "v")), asyncio.create_task(client.get("k"))
    await turns()
    await client.close()
    with pytest.raises(errors.OutcomeUnknown):
        await write
    with pytest.raises(errors.ClientClosed):
        await read
    for late in (client.get("k"), client.members(), client.status("a1:1")):
        with pytest.raises(errors.ClientClosed):
            await late
    await client.close()
    assert cluster.closed
    assert clock.now() == 0.0


@virtual_time
async def test_closing_ends_calls_that_wait_between_two_tries(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.leader = None
    client = client_of(cluster, clock)
    call = asyncio.create_task(client.put("k", "v"))
    await clock.sleep(1.0)
    await client.close()
    with pytest.raises(errors.ClientClosed):
        await call
    assert clock.now() < 1.5


@virtual_time
async def test_the_cluster_is_not_polled(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with await informed(cluster, clock) as client:
        await clock.sleep(60.0)
        await client.put("k", "v")
        assert cluster.looks == 1
        cluster.leader = None
        with pytest.raises(errors.NoLeader):
            await client.put("k", "v", timeout=2.0)
        assert cluster.looks <= 1 + 2.0 / LOOK_PAUSE_S + 1


@virtual_time
async def test_a_reply_without_a_result_is_a_fault(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.named("n1").behaviour = lambda call: Reply()
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.ServerFault):
            await client.get("k")
