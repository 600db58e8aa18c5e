from __future__ import annotations

import asyncio

import pytest

from ostraka import _exchange, errors
from ostraka._exchange import Exchange
from ostraka.errors import Status, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import PutResponse
from tests.client.fake_cluster import FakeCluster, FakeNode, silent
from tests.client.virtual_time import VirtualClock, turns, virtual_time


def put(key: bytes, size: int = 1) -> bytes:
    command = Command()
    command.put.key = key
    command.put.value = b"v" * size
    return command.SerializeToString()


def connect(clock: VirtualClock) -> tuple[FakeNode, Exchange]:
    cluster = FakeCluster(1)
    return cluster.nodes[0], Exchange(cluster, "a1:1", clock)


def calling(exchange: Exchange, count: int, timeout: float = 5.0) -> list[asyncio.Task[Reply]]:
    return [asyncio.create_task(exchange.call(put(b"k%d" % i), timeout)) for i in range(count)]


@virtual_time
async def test_concurrent_calls_share_a_frame(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    replies = await asyncio.gather(*calling(exchange, 100))
    assert [len(frame.calls) for frame in node.frames] == [100]
    assert sorted(reply.put.header.revision for reply in replies) == list(range(2, 102))
    assert len({call.id for call in node.calls}) == 100
    await exchange.close()


@virtual_time
async def test_a_lone_call_waits_for_nobody(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"k"), 5.0)
    assert clock.now() == 0.0
    assert len(node.frames) == 1
    await exchange.close()


@virtual_time
async def test_while_a_frame_is_being_sent_the_next_one_grows(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    node.streams[0].pause = asyncio.Event()
    tasks = calling(exchange, 1)
    await turns()
    for _ in range(3):
        tasks += calling(exchange, 10)
        await turns()
    node.streams[0].pause.set()
    await asyncio.gather(*tasks)
    assert [len(frame.calls) for frame in node.frames] == [1, 1, 30]
    await exchange.close()


@virtual_time
async def test_a_frame_is_bounded_in_calls_and_bytes(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await asyncio.gather(*calling(exchange, _exchange.FRAME_CALLS_MAX + 1))
    assert [len(frame.calls) for frame in node.frames] == [_exchange.FRAME_CALLS_MAX, 1]
    large = put(b"large", _exchange.FRAME_BYTES_MAX)
    await asyncio.gather(*(exchange.call(large, 5.0) for _ in range(3)))
    assert [len(frame.calls) for frame in node.frames[2:]] == [1, 1, 1]
    small = put(b"small", _exchange.FRAME_BYTES_MAX // 3)
    node.frames.clear()
    await asyncio.gather(*(exchange.call(command, 5.0) for command in (small, small, small, large, small)))
    assert [len(frame.calls) for frame in node.frames] == [2, 1, 1, 1], "what is large goes alone"
    await exchange.close()


@virtual_time
async def test_replies_find_their_calls_in_any_order(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    tasks = calling(exchange, 3)
    await turns()
    for call in reversed(node.calls):
        reply = Reply(id=call.id)
        reply.put.header.revision = int(call.command.put.key[1:]) + 10
        node.streams[0].deliver(reply)
    assert [reply.put.header.revision for reply in await asyncio.gather(*tasks)] == [10, 11, 12]
    await exchange.close()


@virtual_time
async def test_the_node_gets_most_of_the_time_and_the_forwarded_mark(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"k"), 2.0, forwarded=True)
    await exchange.call(put(b"k"), 0.0001)
    forwarded, hurried = node.calls
    assert (forwarded.timeout_ms, forwarded.forwarded) == (1900, True)
    assert (hurried.timeout_ms, hurried.forwarded) == (1, False)  # 0 would mean the node's default
    await exchange.close()


@virtual_time
async def test_a_sent_call_ends_at_its_deadline_and_is_cancelled(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    reply = await exchange.call(put(b"k"), 2.0)
    assert clock.now() == pytest.approx(2.0)
    assert (reply.error.code, reply.error.detail.reason) == (Status.DEADLINE_EXCEEDED, pb.DEADLINE)
    assert not reply.error.detail.surely_not_done
    await turns()
    assert node.cancelled == [node.calls[0].id]
    await exchange.close()


@virtual_time
async def test_each_call_keeps_its_own_deadline(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    ends: list[float] = []

    async def call(timeout: float) -> None:
        await exchange.call(put(b"k"), timeout)
        ends.append(clock.now())

    await asyncio.gather(*(call(timeout) for timeout in (3.0, 1.0, 2.0, 1.001)))
    assert ends == pytest.approx([1.0, 1.001, 2.0, 3.0], abs=_exchange.EXPIRY_STEP_S)
    await exchange.close()


@virtual_time
async def test_a_call_never_sent_ends_at_its_deadline_as_surely_not_done(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    node.streams[0].pause = asyncio.Event()
    blocking = calling(exchange, 1)
    await turns()
    reply = await exchange.call(put(b"k"), 1.0)
    assert reply.error.detail.surely_not_done
    node.streams[0].pause.set()
    await asyncio.gather(*blocking)
    await turns()
    assert [call.command.put.key for call in node.calls] == [b"first", b"k0"]
    assert node.cancelled == []  # nobody there knows of it
    await exchange.close()


@virtual_time
async def test_a_cancelled_call_is_withdrawn(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    (sent,) = calling(exchange, 1)
    await turns()
    sent.cancel()
    await turns()
    assert node.cancelled == [node.calls[0].id]
    node.streams[0].deliver(Reply(id=node.calls[0].id))  # its answer crossed the cancel
    (queued,) = calling(exchange, 1)
    await turns(1)  # it has joined the queue; the writer has not run
    queued.cancel()
    await turns()
    assert len(node.calls) == 1
    await exchange.close()


@virtual_time
async def test_a_broken_stream_ends_each_call_with_what_is_known_of_it(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    node.behaviour = silent
    node.streams[0].pause = asyncio.Event()
    (sent,) = calling(exchange, 1)
    await turns()
    (queued,) = calling(exchange, 1)
    await turns()
    node.streams[0].break_off("reset by peer")
    for task, surely_not_done in ((sent, False), (queued, True)):
        error = (await task).error
        assert (error.code, error.message) == (Status.UNAVAILABLE, "reset by peer")
        assert error.detail.surely_not_done is surely_not_done
    assert exchange.ended
    late = (await exchange.call(put(b"late"), 5.0)).error
    assert late.detail.surely_not_done
    assert clock.now() == 0.0
    await exchange.close()


@virtual_time
async def test_without_a_connection_nothing_was_sent(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.up = False
    error = (await exchange.call(put(b"k"), 5.0)).error
    assert (error.code, error.detail.surely_not_done) == (Status.UNAVAILABLE, True)
    assert clock.now() == 0.0


@virtual_time
async def test_connecting_is_given_up_before_the_call_is(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.hangs = True
    error = (await exchange.call(put(b"k"), 5.0)).error
    assert (error.code, error.detail.surely_not_done) == (Status.UNAVAILABLE, True)
    assert clock.now() == pytest.approx(_exchange.CONNECT_TIMEOUT_S)


@virtual_time
async def test_closing_ends_the_calls_in_flight(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    tasks = calling(exchange, 3)
    await turns()
    await exchange.close()
    await exchange.close()
    errors = [reply.error for reply in await asyncio.gather(*tasks)]
    assert [error.detail.surely_not_done for error in errors] == [False] * 3
    assert node.streams[0].closed


@virtual_time
async def test_too_many_calls_are_refused_at_once(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    tasks = calling(exchange, _exchange.UNANSWERED_CALLS_MAX)
    await turns()
    error = (await exchange.call(put(b"one more"), 5.0)).error
    assert (error.detail.reason, error.detail.surely_not_done) == (pb.OVERLOADED, True)
    assert error.detail.retry_after_ms == _exchange.OVERLOAD_RETRY_MS
    await exchange.close()
    await asyncio.gather(*tasks)


@virtual_time
async def test_calls_that_expired_unsent_take_room_until_the_stream_goes_on(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    node.streams[0].pause = asyncio.Event()
    blocking = calling(exchange, 1)
    await turns()
    expired = await asyncio.gather(*calling(exchange, _exchange.UNANSWERED_CALLS_MAX, timeout=0.1))
    assert {reply.error.detail.reason for reply in expired} == {pb.DEADLINE}
    assert (await exchange.call(put(b"one more"), 5.0)).error.detail.reason == pb.OVERLOADED
    node.streams[0].pause.set()
    await asyncio.gather(*blocking)
    assert (await exchange.call(put(b"k"), 5.0)).WhichOneof("result") == "put"
    await exchange.close()


@virtual_time
async def test_too_many_bytes_are_refused_until_they_are_sent(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    node.streams[0].pause = asyncio.Event()
    tasks = calling(exchange, 1)
    await turns()
    large = put(b"k", _exchange.COMMAND_BYTES_MAX // 2)
    enough = _exchange.QUEUED_BYTES_MAX // len(large) + 1
    tasks += [asyncio.create_task(exchange.call(large, 5.0)) for _ in range(enough)]
    await turns()
    assert (await exchange.call(put(b"k"), 5.0)).error.detail.reason == pb.OVERLOADED
    node.streams[0].pause.set()
    await asyncio.gather(*tasks)
    assert (await exchange.call(put(b"k"), 5.0)).WhichOneof("result") == "put"
    await exchange.close()


@virtual_time
async def test_a_command_that_would_spoil_the_frame_is_refused_alone(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    good, huge = await asyncio.gather(
        exchange.call(put(b"k"), 5.0),
        exchange.call(put(b"k", _exchange.COMMAND_BYTES_MAX), 5.0),
    )
    assert good.WhichOneof("result") == "put"
    assert (huge.error.code, huge.error.detail.reason) == (errors.Status.INVALID_ARGUMENT, pb.TOO_LARGE)
    assert f"over COMMAND_BYTES_MAX, {_exchange.COMMAND_BYTES_MAX}" in huge.error.message
    assert len(node.calls) == 1
    await exchange.close()


@virtual_time
async def test_callers_that_one_frame_answers_do_not_all_ask_again_in_one(clock: VirtualClock) -> None:
    """Half of them have asked before the other half goes on, so that node and client work at the same time."""
    node, exchange = connect(clock)
    node.behaviour = silent
    callers = 4 * _exchange.REPLIES_PER_TURN_MIN

    async def ask_twice() -> None:
        for _ in range(2):
            await exchange.call(put(b"k"), 5.0)

    tasks = [asyncio.create_task(ask_twice()) for _ in range(callers)]
    await turns()
    node.streams[0].deliver(*(Reply(id=call.id, put=PutResponse()) for call in node.calls))
    await turns()
    assert [len(frame.calls) for frame in node.frames] == [callers, callers // 2, callers // 2]
    node.streams[0].deliver(*(Reply(id=call.id, put=PutResponse()) for call in node.calls))
    await asyncio.gather(*tasks)
    await exchange.close()


@virtual_time
async def test_what_a_node_answered_last_is_known_though_its_stream_ends(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    tasks = calling(exchange, 4 * _exchange.REPLIES_PER_TURN_MIN)
    await turns()
    node.streams[0].deliver(*(Reply(id=call.id, put=PutResponse()) for call in node.calls))
    await turns(1)
    await exchange.close()
    assert {(await task).WhichOneof("result") for task in tasks} == {"put"}


@virtual_time
async def test_a_node_that_sends_garbage_is_left(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    (task,) = calling(exchange, 1)
    await turns()
    node.streams[0].deliver_raw(b"\xff\xff")
    error = (await task).error
    assert error.code == Status.INTERNAL
    await turns()
    assert exchange.ended and node.streams[0].closed


@virtual_time
async def test_an_exchange_asked_to_retire_ends_once_its_calls_are_answered(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    first, second = calling(exchange, 2)
    await turns()
    stream = node.streams[0]
    stream.ask_to_retire()
    await turns()
    assert not exchange.takes_calls and not exchange.ended
    for call, task in zip(node.calls, (first, second), strict=True):
        assert not stream.closed
        stream.deliver(Reply(id=call.id, put=PutResponse()))
        assert (await task).HasField("put")
    await turns()
    assert exchange.ended and stream.closed
    assert (await exchange.call(put(b"late"), 5.0)).error.detail.surely_not_done


@virtual_time
async def test_what_was_queued_when_it_had_to_retire_is_still_sent(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"first"), 5.0)
    stream = node.streams[0]
    stream.pause, node.behaviour = asyncio.Event(), silent
    (sent,) = calling(exchange, 1)
    await turns()
    (queued,) = calling(exchange, 1)
    stream.ask_to_retire()
    await turns()
    stream.deliver(Reply(id=node.calls[-1].id, put=PutResponse()))
    assert (await sent).HasField("put")
    node.behaviour = None
    stream.pause.set()
    assert (await queued).HasField("put")
    await turns()
    assert exchange.ended


@virtual_time
async def test_an_idle_exchange_asked_to_retire_ends_at_once(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    await exchange.call(put(b"k"), 5.0)
    node.streams[0].ask_to_retire()
    await turns()
    assert exchange.ended and node.streams[0].closed


@virtual_time
async def test_a_retiring_exchange_ends_with_the_withdrawal_of_its_last_call(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    (late,) = calling(exchange, 1, timeout=2.0)
    await turns()
    node.streams[0].ask_to_retire()
    assert (await late).error.detail.reason == pb.DEADLINE
    await turns()
    assert exchange.ended and node.streams[0].closed


@virtual_time
async def test_calls_of_a_stream_that_the_node_refused_are_surely_not_done(clock: VirtualClock) -> None:
    node, exchange = connect(clock)
    node.behaviour = silent
    (call,) = calling(exchange, 1)
    await turns()
    node.streams[0].break_off(to_wire(Status.RESOURCE_EXHAUSTED, "streams_max", surely_not_done=True))
    assert (await call).error.detail.surely_not_done
