"""The transport over real grpc.aio: sockets, status codes and metadata as they are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import grpc
import pytest

from ostraka import errors
from ostraka._grpc import DETAIL_KEY, GrpcTransport
from ostraka._transport import TransportError
from ostraka.aio import Client
from ostraka.errors import Status
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Error, ExchangeRequest, ExchangeResponse
from tests.client.fake_cluster import FakeCluster
from tests.client.virtual_time import turns

Context = grpc.aio.ServicerContext[Any, Any]
Frames = AsyncIterator[ExchangeRequest]
Behaviour = Callable[[Frames, Context], AsyncIterator[ExchangeResponse]]


async def not_ready(request: bytes, context: Context) -> bytes:
    detail = pb.ErrorDetail(reason=pb.NOT_READY, surely_not_done=True)
    await context.abort(grpc.StatusCode.UNAVAILABLE, "not formed", ((DETAIL_KEY, detail.SerializeToString()),))
    return b""


async def answer(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
    """Serve from a dict, as a cluster of one."""
    cluster = FakeCluster(1)
    async for frame in frames:
        replies = [cluster.apply(call.command, "n1") for call in frame.calls]
        for call, reply in zip(frame.calls, replies, strict=True):
            reply.id = call.id
        yield ExchangeResponse(replies=replies)


def with_server(behaviour: Behaviour, test: Callable[[str, grpc.aio.Server], Coroutine[Any, Any, None]]) -> None:
    """Run a test against a server whose Exchange behaves so, and which knows no unary call but a Members that fails."""
    exchange = grpc.stream_stream_rpc_method_handler(
        behaviour, ExchangeRequest.FromString, ExchangeResponse.SerializeToString
    )
    members: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(not_ready)

    async def main() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("ostraka.v1.Exchange", {"Exchange": exchange}),
                grpc.method_handlers_generic_handler("ostraka.v1.Cluster", {"Members": members}),
            )
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            await test(f"127.0.0.1:{port}", server)
        finally:
            await server.stop(None)

    asyncio.run(main())


async def error_of(call: Awaitable[object]) -> Error:
    with pytest.raises(TransportError) as caught:
        await call
    return caught.value.error


async def until(event: asyncio.Event, call: asyncio.Task[Any]) -> None:
    """Wait for the event, but no longer than for the call, which has a deadline."""
    waiter = asyncio.create_task(event.wait())
    await asyncio.wait({waiter, call}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


def test_puts_and_gets_over_a_socket() -> None:
    async def test(address: str, server: grpc.aio.Server) -> None:
        async with Client(address) as client:
            await asyncio.gather(*(client.put(f"k{i}", str(i)) for i in range(100)))
            found = await client.get("k42")
            assert found is not None
            assert found.value == b"42"
            assert [kv.key async for kv in client.range(prefix="k9")] == [b"k9", *(b"k9%d" % i for i in range(10))]

    with_server(answer, test)


def test_a_server_that_goes_away_with_writes_in_flight_leaves_them_unknown() -> None:
    received = asyncio.Event()

    async def swallow(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
        cluster = FakeCluster(1)
        async for frame in frames:
            for call in frame.calls:
                if not call.command.HasField("register"):
                    received.set()
                    continue
                reply = cluster.apply(call.command, "n1")
                reply.id = call.id
                yield ExchangeResponse(replies=[reply])

    async def test(address: str, server: grpc.aio.Server) -> None:
        async with Client(address) as client:
            write = asyncio.create_task(client.put("k", "v", timeout=2.0))
            await until(received, write)
            await server.stop(None)
            with pytest.raises(errors.OutcomeUnknown):
                await write
            with pytest.raises(errors.ConnectionLost):
                await client.put("k", "v", timeout=2.0)

    with_server(swallow, test)


def test_a_stream_that_the_server_ends_is_over_for_both_directions() -> None:
    async def leave(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
        async for _ in frames:
            return
        yield ExchangeResponse()

    async def test(address: str, server: grpc.aio.Server) -> None:
        transport = GrpcTransport()
        stream = await transport.open(address)
        await stream.send(ExchangeRequest(cancel=[1]).SerializeToString())
        assert (await error_of(stream.receive())).code == Status.UNAVAILABLE
        assert (await error_of(stream.send(b""))).code == Status.UNAVAILABLE
        stream.close()
        await transport.close()

    with_server(leave, test)


@pytest.mark.parametrize("status", [grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED])
def test_a_stream_that_breaks_is_a_lost_connection_whatever_grpc_calls_it(status: grpc.StatusCode) -> None:
    async def break_off(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
        async for _ in frames:
            await context.abort(status, "Stream removed")
        yield ExchangeResponse()

    async def test(address: str, server: grpc.aio.Server) -> None:
        async with Client(address) as client:
            with pytest.raises(errors.ConnectionLost, match="Stream removed; tried"):
                await client.get("k", timeout=2.0)
            with pytest.raises(errors.DeadlineExceeded, match="registered"):
                await client.put("k", "v", timeout=2.0)

    with_server(break_off, test)


def test_an_error_brings_its_detail() -> None:
    async def refuse(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
        detail = pb.ErrorDetail(reason=pb.OVERLOADED, retry_after_ms=70)
        trailer = ((DETAIL_KEY, detail.SerializeToString()),)
        async for _ in frames:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams", trailer)
        yield ExchangeResponse()

    async def test(address: str, server: grpc.aio.Server) -> None:
        transport = GrpcTransport()
        stream = await transport.open(address)
        await stream.send(b"")
        error = await error_of(stream.receive())
        assert (error.code, error.message) == (Status.RESOURCE_EXHAUSTED, "too many streams")
        assert (error.detail.reason, error.detail.retry_after_ms) == (pb.OVERLOADED, 70)
        error = await error_of(transport.unary(address, "/ostraka.v1.Cluster/Members", b"", 5.0))
        assert (error.message, error.detail.reason) == ("not formed", pb.NOT_READY)
        error = await error_of(transport.unary(address, "/ostraka.v1.Cluster/Status", b"", 5.0))
        assert error.code == Status.UNIMPLEMENTED
        await transport.close()

    with_server(refuse, test)


def test_a_refused_connection_is_known_before_anything_is_sent() -> None:
    async def main() -> None:
        with socket.socket() as nobody:  # bound but not listening: connections are refused
            nobody.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{nobody.getsockname()[1]}"
            transport = GrpcTransport()
            assert (await error_of(transport.open(address))).code == Status.UNAVAILABLE
            await transport.close()
            async with Client(address) as client:
                with pytest.raises(errors.ConnectionLost, match=r"tried \d+ times in 2 s"):
                    await client.put("k", "v", timeout=2.0)

    asyncio.run(main())


def test_closing_the_client_ends_its_calls() -> None:
    received = asyncio.Event()

    async def swallow(frames: Frames, context: Context) -> AsyncIterator[ExchangeResponse]:
        async for _ in frames:
            received.set()
        yield ExchangeResponse()

    async def test(address: str, server: grpc.aio.Server) -> None:
        client = Client(address)
        read = asyncio.create_task(client.get("k"))
        await until(received, read)
        await client.close()
        with pytest.raises(errors.ClientClosed):
            await read

    with_server(swallow, test)


def test_closing_ends_unary_calls_with_an_error_and_cancelling_with_cancellation() -> None:
    """gRPC cancels the calls of a channel that is closed, which is not for their callers to notice."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address, transport = f"127.0.0.1:{silent.getsockname()[1]}", GrpcTransport()
            status, cancelled = (
                asyncio.create_task(transport.unary(address, "/ostraka.v1.Cluster/Status", b"", 5.0)) for _ in range(2)
            )
            await turns()
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            await transport.close()
            error = await error_of(status)
            assert (error.code, error.message) == (Status.UNAVAILABLE, "the connection was closed on this side")

    asyncio.run(main())


def test_a_message_over_the_limit_fails_alone() -> None:
    async def test(address: str, server: grpc.aio.Server) -> None:
        async with Client(address) as client:
            large, small = await asyncio.gather(
                client.put("large", b"v" * 7_000_000), client.put("small", "v"), return_exceptions=True
            )
            assert isinstance(large, errors.TooLarge)
            assert not isinstance(small, BaseException)

    with_server(answer, test)
