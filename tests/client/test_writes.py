"""Writes are sent until their fate is known, take effect once, and what is told of them is true."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from ostraka import _sessions, errors
from ostraka.aio import Client
from ostraka.errors import Status, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Call, Command, Reply
from tests.client.fake_cluster import FakeCluster, FakeNode, failing, silent
from tests.client.virtual_time import VirtualClock, turns, virtual_time

Behaviour = Callable[[Call], Reply | None]


def client_of(cluster: FakeCluster, clock: VirtualClock) -> Client:
    return Client("a1:1", _transport=cluster, _clock=clock, _random=random.Random(1))


def script(node: FakeNode, *behaviours: Behaviour) -> None:
    """One after the other, then as a node does."""
    left = iter(behaviours)
    node.behaviour = lambda call: next(left, node.serve)(call)


def lost(node: FakeNode) -> Behaviour:
    """The write is done, and its answer is not."""

    def behaviour(call: Call) -> Reply:
        node.serve(call)
        return doubtful(call)

    return behaviour


doubtful = failing(Status.UNAVAILABLE, pb.NO_LEADER, surely_not_done=False)
expired = failing(Status.NOT_FOUND, pb.EXPIRED)


def answer_lost(call: Call) -> Reply:
    return Reply(error=to_wire(Status.UNKNOWN, "as told", reason=pb.ANSWER_LOST))


def numbers(node: FakeNode) -> list[tuple[int, int]]:
    return [(call.command.sequence, call.command.answered_below) for call in node.calls]


@virtual_time
async def test_writes_made_at_once_wait_for_one_registration(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        await asyncio.gather(*(client.put(f"k{i}", "v") for i in range(20)))
        assert len(node.greetings) == 1
        assert {call.command.client for call in node.calls} == {node.greetings[0].register.client}
        assert numbers(node) == [(sequence, 1) for sequence in range(1, 21)]
        await client.put("k", "v")
        assert numbers(node)[-1] == (21, 21)


@virtual_time
async def test_reads_register_nobody(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await client.get("k")
    assert cluster.nodes[0].greetings == []


@virtual_time
async def test_closing_takes_leave(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
        assert len(cluster.sessions) == 1
    assert cluster.sessions == {}


@pytest.mark.parametrize("greets", [True, False], ids=["a write under way", "nobody there"])
def test_closing_is_not_held_up(greets: bool) -> None:
    @virtual_time
    async def in_this_case(clock: VirtualClock) -> None:
        cluster = FakeCluster(1)
        client = client_of(cluster, clock)
        await client.put("k", "v")
        cluster.nodes[0].behaviour, cluster.nodes[0].greets = silent, greets
        write = asyncio.create_task(client.put("k", "v")) if greets else None
        await turns()
        began = clock.now()
        await client.close()
        assert clock.now() - began <= (0.0 if greets else _sessions.CLOSE_TIMEOUT_S + 0.01)
        if write is not None:
            with pytest.raises(errors.OutcomeUnknown):
                await write

    in_this_case()


@virtual_time
async def test_after_a_lost_answer_the_write_comes_again_in_the_same_bytes(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        script(node, lost(node), doubtful)
        assert (await client.put("k", "v")).revision == 2
        assert cluster.revision == 2
    assert len({call.command.SerializeToString() for call in node.calls}) == 1 and len(node.calls) == 3


@virtual_time
async def test_a_doubt_that_lasts_is_unknown_at_the_deadline(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        cluster.nodes[0].behaviour = doubtful
        with pytest.raises(errors.OutcomeUnknown, match="no leader: as told"):
            await client.put("k", "v", timeout=2.0)
        assert 1.5 < clock.now() <= 2.0


@pytest.mark.parametrize(
    "later",
    [
        expired,
        failing(Status.INVALID_ARGUMENT, pb.INVALID),
        failing(Status.RESOURCE_EXHAUSTED, pb.OVERLOADED),
        failing(Status.UNAVAILABLE, pb.NO_LEADER),
        failing(Status.DEADLINE_EXCEEDED, pb.DEADLINE),
        silent,
    ],
    ids=["expired", "invalid", "overloaded", "no leader", "deadline", "silent"],
)
def test_what_later_tries_are_told_clears_up_nothing(later: Behaviour) -> None:
    @virtual_time
    async def after_a_doubt(clock: VirtualClock) -> None:
        cluster = FakeCluster(1)
        (node,) = cluster.nodes
        async with client_of(cluster, clock) as client:
            script(node, lost(node), *[later] * 1000)
            with pytest.raises(errors.OutcomeUnknown):
                await client.put("k", "v")
            assert clock.now() <= 5.0
        assert cluster.revision == 2

    after_a_doubt()


@virtual_time
async def test_that_the_answer_is_lost_ends_the_doubt(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        script(node, lost(node), answer_lost)
        with pytest.raises(errors.AnswerLost, match="as told"):
            await client.put("k", "v")


@virtual_time
async def test_who_was_forgotten_registers_again_and_goes_on(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
        cluster.sessions.clear()
        await asyncio.gather(*(client.put(f"k{i}", "v") for i in range(5)))
        assert len(node.greetings) == 2
        assert len({command.register.client for command in node.greetings}) == 2
    assert cluster.revision == 7
    assert clock.now() == 0.0


@virtual_time
async def test_an_id_whose_registration_is_in_doubt_is_never_used(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    node.greets = False
    script(node, lost(node), failing(Status.UNAVAILABLE, pb.NO_LEADER))
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
        ids = [command.register.client for command in node.greetings]
        assert ids[0] != ids[1] == ids[2]  # what was surely not done may come again
        assert node.calls[-1].command.client == ids[2]


@virtual_time
async def test_a_write_that_could_not_be_registered_was_surely_not_done(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.nodes[0].behaviour, cluster.nodes[0].greets = silent, False
    async with client_of(cluster, clock) as client:
        waits = [asyncio.create_task(client.put("k", "v", timeout=timeout)) for timeout in (1.0, 1.1, 2.0)]
        for wait, timeout in zip(waits, (1.0, 1.1, 2.0), strict=True):
            with pytest.raises(errors.DeadlineExceeded, match="no answer in time"):
                await wait
            assert clock.now() <= timeout + 0.01


@virtual_time
async def test_numbers_of_calls_that_were_cancelled_or_given_up_are_over(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        script(node, silent, doubtful, silent)
        cancelled = asyncio.create_task(client.put("1", "v"))
        given_up = asyncio.create_task(client.put("2", "v", timeout=0.5))
        await turns()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        with pytest.raises(errors.OutcomeUnknown):
            await given_up
        await client.put("3", "v")
    assert numbers(node)[-1] == (3, 3)


@virtual_time
async def test_a_call_that_hangs_does_not_hold_up_the_others(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    (node,) = cluster.nodes
    async with client_of(cluster, clock) as client:
        await client.put("first", "v")
        script(node, silent)
        hangs = asyncio.create_task(client.put("hangs", "v"))
        await turns()
        for i in range(_sessions.SPAN_MAX + 10):
            await client.put(f"k{i % 10}", "v")
        assert len(node.greetings) == 2
        assert max(sequence - below for sequence, below in numbers(node)) < _sessions.SPAN_MAX
        assert clock.now() == 0.0
        hangs.cancel()


class TestNumbers:
    """Of one session."""

    def numbered(self, session: _sessions.Session) -> tuple[int, int]:
        command = Command()
        session.number(command)
        assert command.client == session.client
        return command.sequence, command.answered_below

    def test_what_is_below_the_lowest_in_use_is_answered(self) -> None:
        session = _sessions.Session(7, 1, b"k")
        assert [self.numbered(session) for _ in range(4)] == [(1, 1), (2, 1), (3, 1), (4, 1)]
        session.end(3)
        session.end(1)
        assert self.numbered(session) == (5, 2)
        session.end(2)
        assert self.numbered(session) == (6, 4)
        for sequence in (4, 5, 6):
            assert not session.is_idle
            session.end(sequence)
        assert session.is_idle
