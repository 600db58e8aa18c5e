"""The Exchange service: frames in, frames out, in any order; what a client may do to its stream and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Any, cast

import grpc
import pytest

from ostraka._frames import exchange_pb2 as frames
from ostraka.clock import BootClock
from ostraka.v1.common_pb2 import ErrorDetail, Reason
from ostraka.v1.exchange_pb2 import Command, ExchangeRequest, ExchangeResponse, Reply
from ostraka_server.config import Limits
from ostraka_server.rpc import exchange_service as module
from ostraka_server.rpc.exchange_service import ExchangeService
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.rpc.serving import serving
from tests.shard.asking import get, local_get, put
from tests.shard.test_gateway import Entrance


def exchange_service(entrance: Entrance, limits: Limits | None = None) -> ExchangeService:
    return ExchangeService(entrance.gateway, limits or Limits(), entrance.clock, Random(0))


class Aborted(Exception):
    """What `abort` raises."""


class Stream:
    """The client's side of a stream, and the context that the service sees. Public messages in and out."""

    def __init__(self, entrance: Entrance, service: ExchangeService | None = None) -> None:
        self.entrance = entrance
        self.frames: list[list[Reply]] = []
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()
        """Clear while the client does not read: its stream's flow control then keeps the service from writing."""
        self.reads.set()
        self.asked_to_retire = 0
        self.status: tuple[grpc.StatusCode, str] | None = None
        self.detail = ErrorDetail()
        service = service or exchange_service(entrance)
        self.task = asyncio.create_task(service.exchange(None, cast(Any, self)))

    async def read(self) -> Any:
        return await self._inbox.get()

    async def abort(self, code: grpc.StatusCode, message: str, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.status = (code, message)
        self.detail = ErrorDetail.FromString(metadata[0][1])
        raise Aborted

    async def write(self, response: frames.ExchangeResponse) -> None:
        await self.reads.wait()
        self.asked_to_retire += response.retire
        self.frames.append(list(ExchangeResponse.FromString(response.SerializeToString()).replies))

    async def send(self, *commands: Command, first_id: int = 1, forwarded: bool = False, timeout_ms: int = 0) -> None:
        """One frame."""
        request = ExchangeRequest()
        for call_id, command in enumerate(commands, first_id):
            request.calls.add(id=call_id, command=command, forwarded=forwarded, timeout_ms=timeout_ms)
        await self.send_raw(request.SerializeToString())

    async def cancel(self, *ids: int) -> None:
        await self.send_raw(ExchangeRequest(cancel=ids).SerializeToString())

    async def send_raw(self, data: bytes) -> None:
        self._inbox.put_nowait(frames.ExchangeRequest.FromString(data))
        await turns()

    async def half_close(self) -> None:
        self._inbox.put_nowait(grpc.aio.EOF)
        await turns()

    @property
    def replies(self) -> dict[int, Reply]:
        """By id; each came once."""
        replies = [reply for frame in self.frames for reply in frame]
        by_id = {reply.id: reply for reply in replies}
        assert len(by_id) == len(replies), "an id was answered twice"
        return by_id

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def leading(clock: VirtualClock) -> Entrance:
    entrance = Entrance(clock)
    entrance.data.lead()
    return entrance


@virtual_time
async def test_answers_of_one_turn_share_a_frame(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.send(local_get(b"a"), local_get(b"b"), local_get(b"c"))
    assert [[reply.id for reply in frame] for frame in stream.frames] == [[1, 2, 3]]
    await stream.stop()


@virtual_time
async def test_calls_are_answered_out_of_order_by_id(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.send(put(), local_get())
    assert list(stream.replies) == [2]
    stream.entrance.data.turn()
    stream.entrance.data.accept()
    await turns()
    assert list(stream.replies) == [2, 1]
    assert stream.replies[1].HasField("put")
    await stream.stop()


@virtual_time
async def test_the_clients_very_bytes_go_to_the_log(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    unknown_field = b"\xa2\x06\x03new"  # field 100, of a client of another version
    command = put().SerializeToString() + unknown_field
    await stream.send_raw(frames.ExchangeRequest(calls=[frames.Call(id=1, command=command)]).SerializeToString())
    stream.entrance.data.turn()
    assert command in stream.entrance.data.proposed()[-1].payload
    await stream.stop()


def test_the_public_messages_and_those_read_here_are_the_same_bytes() -> None:
    public = ExchangeRequest(cancel=[7])
    public.calls.add(id=5, timeout_ms=9, command=put(), forwarded=True)
    read = frames.ExchangeRequest.FromString(public.SerializeToString())
    assert read.SerializeToString() == public.SerializeToString()
    assert (read.calls[0].id, read.calls[0].timeout_ms, read.calls[0].forwarded) == (5, 9, True)
    assert Command.FromString(read.calls[0].command) == put()
    answer = frames.ExchangeResponse(replies=[Reply(id=5).SerializeToString()])
    assert ExchangeResponse.FromString(answer.SerializeToString()).replies[0].id == 5


@virtual_time
async def test_each_bad_call_of_a_frame_is_refused_alone(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    calls = [
        frames.Call(id=1, command=b"\xff\xff"),
        frames.Call(id=2),
        frames.Call(id=3, command=local_get().SerializeToString()),
    ]
    await stream.send_raw(frames.ExchangeRequest(calls=calls).SerializeToString())
    assert [stream.replies[i].error.detail.reason for i in (1, 2)] == [Reason.INVALID] * 2
    assert stream.replies[3].HasField("get")
    await stream.stop()


@virtual_time
async def test_an_id_in_use_is_refused(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.send(put(), first_id=4)
    await stream.send(put(), first_id=4)
    assert "call id 4 is in use" in stream.replies[4].error.message
    assert stream.entrance.gateway.in_flight == 1
    await stream.stop()


@virtual_time
async def test_a_forwarded_call_says_so(clock: VirtualClock) -> None:
    stream = Stream(Entrance(clock))
    await stream.send(put(), forwarded=True)
    assert stream.replies[1].error.detail.reason == Reason.NO_LEADER
    await stream.stop()


@virtual_time
async def test_a_cancelled_call_is_withdrawn(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.send(put(), get())
    await stream.cancel(1, 99)
    assert stream.entrance.gateway.in_flight == 1
    stream.entrance.data.turn()
    assert len(stream.entrance.data.proposed()) == 1, "only the barrier"
    await stream.stop()


@virtual_time
async def test_each_call_has_its_own_deadline(clock: VirtualClock) -> None:
    stream = Stream(Entrance(clock))
    await stream.send(put(), timeout_ms=100)
    await stream.send(put(), first_id=2, timeout_ms=3000)
    await clock.sleep(0.2)
    assert list(stream.replies) == [1]
    assert stream.replies[1].error.detail.reason == Reason.DEADLINE
    await stream.stop()


@virtual_time
async def test_after_a_half_close_what_is_under_way_is_still_answered(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.send(put())
    await stream.half_close()
    assert not stream.task.done()
    stream.entrance.data.turn()
    stream.entrance.data.accept()
    await stream.task
    assert stream.replies[1].HasField("put")


@virtual_time
async def test_an_idle_stream_ends_with_its_half_close(clock: VirtualClock) -> None:
    stream = Stream(leading(clock))
    await stream.half_close()
    await stream.task


@virtual_time
async def test_a_broken_stream_withdraws_its_calls(clock: VirtualClock) -> None:
    entrance = leading(clock)
    broken, other = Stream(entrance), Stream(entrance)
    await broken.send(put(), get())
    await other.send(put())
    assert entrance.gateway.in_flight == 3
    await broken.stop()
    assert entrance.gateway.in_flight == 1
    await other.stop()


@virtual_time
async def test_large_replies_go_in_frames_that_a_client_takes(clock: VirtualClock) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "FRAME_BYTES_MAX", 100)
        stream = Stream(leading(clock))
        await stream.send(*[local_get()] * 20)
        assert len(stream.frames) > 1
        assert len(stream.replies) == 20
        assert all(sum(reply.ByteSize() for reply in frame) <= 100 for frame in stream.frames)
        await stream.stop()


@virtual_time
async def test_calls_on_a_stream_are_bounded(clock: VirtualClock) -> None:
    entrance = leading(clock)
    stream = Stream(entrance, exchange_service(entrance, Limits(calls_per_stream_max=2)))
    await stream.send(*[put()] * 3)
    error = stream.replies[3].error
    assert (error.detail.reason, error.detail.surely_not_done) == (Reason.OVERLOADED, True)
    assert error.detail.retry_after_ms > 0
    assert "calls_per_stream_max (2)" in error.message
    assert entrance.gateway.tally.refusals[Reason.OVERLOADED] == 1
    await stream.stop()


@pytest.mark.parametrize("kind", ["calls", "cancel"])
def test_a_frame_of_too_many_calls_ends_its_stream(kind: str) -> None:
    @virtual_time
    async def check(clock: VirtualClock) -> None:
        stream = Stream(leading(clock))
        await stream.send(put())
        many = range(module.FRAME_CALLS_MAX + 1)
        frame = frames.ExchangeRequest(cancel=many)
        if kind == "calls":
            frame = frames.ExchangeRequest(calls=[frames.Call(id=i) for i in many])
        await stream.send_raw(frame.SerializeToString())
        assert stream.status is not None
        assert stream.status[0] is grpc.StatusCode.INVALID_ARGUMENT
        assert f"over {module.FRAME_CALLS_MAX} calls" in stream.status[1]
        assert not stream.detail.surely_not_done, "nobody knows what becomes of the put"
        assert not stream.frames
        await stream.stop()

    check()


@virtual_time
async def test_streams_are_bounded(clock: VirtualClock) -> None:
    entrance = leading(clock)
    service = exchange_service(entrance, Limits(streams_max=2))
    first, second, third = (Stream(entrance, service) for _ in range(3))
    await turns()
    assert third.status is not None
    assert third.status[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "streams_max (2)" in third.status[1]
    assert third.detail.reason == Reason.OVERLOADED
    assert third.detail.surely_not_done
    await first.half_close()
    again = Stream(entrance, service)
    await again.send(local_get())
    assert again.replies[1].HasField("get")
    for stream in (second, third, again):
        await stream.stop()
    assert service.streams == 0


ROOM = Limits(unsent_bytes_per_stream_max=4000, unsent_bytes_max=2500)
"""For one reply of 1000 bytes in each stream, and for two in all of them."""


async def with_a_large_value(entrance: Entrance) -> None:
    stream = Stream(entrance)
    await stream.send(put(b"k", bytes(1000)))
    entrance.data.turn()
    entrance.data.accept()
    await stream.stop()


@virtual_time
async def test_reads_come_back_later_when_the_client_does_not_read_their_replies(clock: VirtualClock) -> None:
    entrance = leading(clock)
    await with_a_large_value(entrance)
    service = exchange_service(entrance, ROOM)
    stream = Stream(entrance, service)
    stream.reads.clear()
    await stream.send(local_get(), local_get(), local_get())
    assert service.unsent_bytes < ROOM.unsent_bytes_per_stream_max
    stream.reads.set()
    await turns()
    assert service.unsent_bytes == 0
    assert stream.replies[1].HasField("get")
    for refused in (stream.replies[2], stream.replies[3]):
        assert refused.error.detail.reason == Reason.OVERLOADED
        assert refused.error.detail.surely_not_done
        assert "unsent_bytes_per_stream_max (4000)" in refused.error.message
    assert service.replies_dropped == 2
    await stream.send(local_get(), first_id=4)
    assert stream.replies[4].HasField("get")
    await stream.stop()


@virtual_time
async def test_replies_that_wait_are_bounded_over_all_streams(clock: VirtualClock) -> None:
    entrance = leading(clock)
    await with_a_large_value(entrance)
    service = exchange_service(entrance, ROOM)
    streams = [Stream(entrance, service) for _ in range(3)]
    for stream in streams:
        stream.reads.clear()
        await stream.send(local_get(b"absent"), local_get())
    for stream in streams:
        stream.reads.set()
    await turns()
    assert [stream.replies[2].HasField("get") for stream in streams] == [True, True, False]
    assert "unsent_bytes_max (2500)" in streams[2].replies[2].error.message
    for stream in streams:
        await stream.stop()


@virtual_time
async def test_a_client_that_never_reads_is_cut(clock: VirtualClock) -> None:
    entrance = leading(clock)
    service = exchange_service(entrance, ROOM)
    stream, other = Stream(entrance, service), Stream(entrance, service)
    stream.reads.clear()
    await stream.send(put())
    await stream.send(*[put(b"")] * 200, first_id=2)
    assert stream.status is not None
    assert stream.status[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "unsent_bytes_per_stream_max (4000 bytes)" in stream.status[1]
    assert not stream.detail.surely_not_done, "nobody knows what becomes of the put"
    assert entrance.gateway.in_flight == service.unsent_bytes == 0
    await other.send(local_get())
    assert other.replies[1].HasField("get")
    await asyncio.gather(stream.task, return_exceptions=True)
    await other.stop()


async def read_to_the_end(stream: grpc.aio.StreamStreamCall[bytes, bytes]) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


def test_over_a_real_connection_a_client_that_never_reads_is_cut() -> None:
    asyncio.run(send_and_never_read())


async def send_and_never_read() -> None:
    clock = BootClock()
    entrance = Entrance(cast(VirtualClock, clock))
    service = exchange_service(entrance, Limits(unsent_bytes_per_stream_max=1 << 20))

    def add(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((service.handler(),))

    async with serving(add) as address, grpc.aio.insecure_channel(address) as channel:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            "/ostraka.v1.Exchange/Exchange"
        )
        stream = method()
        refused = ExchangeRequest()
        for call_id in range(1000):
            refused.calls.add(id=call_id)
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while service.streams_cut == 0:
                await stream.write(refused.SerializeToString())
        with pytest.raises(grpc.aio.AioRpcError, match="unsent_bytes_per_stream_max"):
            await read_to_the_end(stream)
        assert service.unsent_bytes == 0
