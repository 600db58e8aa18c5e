"""What a client can do to the port that clients connect to: each bound of the server, shown by reaching it."""

from __future__ import annotations

import asyncio
import functools
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from ostraka_server.config import Address, Limits
from ostraka_server.rpc import server as module
from ostraka_server.rpc.server import METADATA_BYTES_MAX, PING_STRIKES_MAX, PortTaken, listen, new_server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING, GOAWAY = 4, 6, 7
MAX_CONCURRENT_STREAMS = 3
ENHANCE_YOUR_CALM = 11
"""RFC 9113's numbers."""


class Echo:
    """Answers with the request; "hold" only once `free` is set."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.begun = asyncio.Semaphore(0)
        self.clients: list[str] = []
        """The address that each call came from, which tells its connection."""

    async def echo(self, request: bytes, context: Any) -> bytes:
        self.clients.append(context.peer())
        self.begun.release()
        if request == b"hold":
            await self.free.wait()
        return request

    def handler(self) -> grpc.GenericRpcHandler:
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.echo)
        return grpc.method_handlers_generic_handler("test.Echo", {"Echo": method})


@asynccontextmanager
async def serving(limits: Limits) -> AsyncIterator[tuple[Address, Echo]]:
    """A server with these limits."""
    server, echo = new_server(limits, ()), Echo()
    server.add_generic_rpc_handlers((echo.handler(),))
    address = listen(server, Address("127.0.0.1", 0))
    await server.start()
    try:
        yield address, echo
    finally:
        echo.free.set()
        await server.stop(None)


def connection(address: Address) -> grpc.aio.Channel:
    """One of its own."""
    return grpc.aio.insecure_channel(str(address), options=(("grpc.use_local_subchannel_pool", 1),))


def calling(
    channel: grpc.aio.Channel, request: bytes = b"", metadata: Sequence[tuple[str, str]] = ()
) -> grpc.aio.UnaryUnaryCall[bytes, bytes]:
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Echo/Echo")
    return method(request, metadata=tuple(metadata), timeout=10)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """As a test of its own."""

    @functools.wraps(test)
    def whole() -> None:
        asyncio.run(test())

    return whole


@run
async def test_a_request_over_the_limit_is_refused() -> None:
    limits = Limits()
    async with serving(limits) as (address, _), connection(address) as channel:
        assert len(await calling(channel, bytes(limits.request_bytes_max))) == limits.request_bytes_max
        call = calling(channel, bytes(limits.request_bytes_max + 1))
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "larger than max" in await call.details()


@run
async def test_metadata_over_the_limit_is_refused() -> None:
    async with serving(Limits()) as (address, _), connection(address) as channel:
        assert await calling(channel, metadata=[("k", "v" * (METADATA_BYTES_MAX - 1024))]) == b""
        call = calling(channel, metadata=[("k", "v" * METADATA_BYTES_MAX)])
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "metadata size exceeds hard limit" in await call.details()


@run
async def test_rpcs_over_the_limit_are_refused() -> None:
    async with serving(Limits(rpcs_max=3, streams_max=1)) as (address, echo), connection(address) as channel:
        held = [calling(channel, b"hold") for _ in range(3)]
        for _ in held:
            await echo.begun.acquire()
        assert await calling(channel).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        echo.free.set()
        assert [await call for call in held] == [b"hold"] * 3
        while await calling(channel).code() is not grpc.StatusCode.OK:
            pass  # the server learns of their ends a little later


@run
async def test_connections_over_the_limit_are_closed() -> None:
    async with serving(Limits(connections_max=2)) as (address, _), connection(address) as channel:
        assert await calling(channel) == b""
        async with raw_connection(address) as (reader, writer):
            writer.write(PREFACE + frame(SETTINGS))
            assert (await read_frame(reader))[0] == SETTINGS
            async with connection(address) as third:
                assert await calling(third).code() is grpc.StatusCode.UNAVAILABLE
        assert await calling(channel) == b"", "those that were there are not disturbed"


@run
async def test_a_client_is_told_how_many_streams_a_connection_may_have() -> None:
    limits = Limits(streams_per_connection_max=77)
    async with serving(limits) as (address, _), raw_connection(address) as (reader, writer):
        writer.write(PREFACE + frame(SETTINGS))
        kind, payload = await read_frame(reader)
        assert kind == SETTINGS
        assert dict(struct.iter_unpack(">HI", payload))[MAX_CONCURRENT_STREAMS] == 77


def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    @run
    async def check() -> None:
        async with serving(Limits()) as (address, _), raw_connection(address) as (reader, _):
            await reader.read()  # its end

    monkeypatch.setattr(module, "HANDSHAKE_TIMEOUT_MS", 100)
    check()


@run
async def test_an_idle_connection_is_closed_and_made_again_when_needed() -> None:
    async with serving(Limits(connection_idle_ms=100)) as (address, _), connection(address) as channel:
        assert await calling(channel) == b""
        state = channel.get_state()
        while state is not grpc.ChannelConnectivity.IDLE:
            await channel.wait_for_state_change(state)
            state = channel.get_state()
        assert await calling(channel) == b""


@run
async def test_an_old_connection_takes_no_more_rpcs_and_ends_those_that_it_has() -> None:
    async with serving(Limits(connection_age_ms=100)) as (address, echo), connection(address) as channel:
        held = calling(channel, b"hold")
        await echo.begun.acquire()
        while echo.clients[-1] == echo.clients[0]:
            assert await calling(channel) == b""
        echo.free.set()
        assert await held == b"hold"


@run
async def test_a_client_that_keeps_pinging_is_cut_off() -> None:
    async with serving(Limits()) as (address, _), raw_connection(address) as (reader, writer):
        writer.write(PREFACE + frame(SETTINGS) + (PING_STRIKES_MAX + 2) * frame(PING, bytes(8)))
        kind = SETTINGS
        while kind != GOAWAY:
            kind, payload = await read_frame(reader)
        (error,) = struct.unpack_from(">I", payload, 4)
        assert error == ENHANCE_YOUR_CALM


@run
async def test_a_port_in_use_is_named_with_the_remedy() -> None:
    async with serving(Limits()) as (address, _):
        server = new_server(Limits(), ())
        with pytest.raises(PortTaken, match=rf"{address}.*set listen_client"):
            listen(server, address)
        await server.stop(None)


@asynccontextmanager
async def raw_connection(address: Address) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """For what a gRPC client would not do."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def frame(kind: int, payload: bytes = b"") -> bytes:
    """An HTTP/2 frame of the connection itself."""
    return len(payload).to_bytes(3, "big") + bytes((kind, 0)) + bytes(4) + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame's kind and payload."""
    header = await reader.readexactly(9)
    return header[3], await reader.readexactly(int.from_bytes(header[:3], "big"))
