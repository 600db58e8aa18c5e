"""RPCs are counted by how they ended, whatever their shape; methods that do not exist leave no trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest

from ostraka_server.rpc.interceptor import CountingInterceptor, Rpcs
from tests.rpc.cluster import ManualClock
from tests.rpc.serving import serving

Context = grpc.aio.ServicerContext[Any, Any]
OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 2, 4, 5


class Service:
    """Each method takes what to do as its (first) request. `ended` is set when a handler is over."""

    def __init__(self) -> None:
        self._clock = ManualClock()
        self.interceptor = CountingInterceptor(self._clock)
        self.entered = asyncio.Event()
        self.ended = asyncio.Event()

    async def unary(self, request: bytes, context: Context) -> bytes:
        self.entered.set()
        try:
            await self._do(request, context)
        finally:
            self.ended.set()
        return request

    async def generator(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        yield await self.unary(request, context)

    async def writer(self, request: bytes, context: Context) -> None:
        await context.write(await self.unary(request, context))

    async def gatherer(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        return b"".join([await self.unary(request, context) async for request in requests])

    async def reader(self, _: Any, context: Context) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            await context.write(await self.unary(request, context))

    async def _do(self, request: bytes, context: Context) -> None:
        self._clock.advance(0.25)
        if request == b"abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
        if request == b"raise":
            raise ValueError("as told")
        if request == b"wait":
            await asyncio.Event().wait()

    def handler(self) -> grpc.GenericRpcHandler:
        methods: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Generator": grpc.unary_stream_rpc_method_handler(self.generator),
            "Writer": grpc.unary_stream_rpc_method_handler(self.writer),
            "Gatherer": grpc.stream_unary_rpc_method_handler(self.gatherer),
            "Reader": grpc.stream_stream_rpc_method_handler(self.reader),
        }
        return grpc.method_handlers_generic_handler("test.Service", methods)


KINDS = {
    "Unary": "unary",
    "Generator": "server_stream",
    "Writer": "server_stream",
    "Gatherer": "client_stream",
    "Reader": "bidi_stream",
}


def begin(channel: grpc.aio.Channel, method: str, request: bytes, timeout: float | None = None) -> Any:
    """Call it."""
    kind = KINDS[method]
    of_kind: dict[str, Any] = {
        "unary": channel.unary_unary,
        "server_stream": channel.unary_stream,
        "client_stream": channel.stream_unary,
        "bidi_stream": channel.stream_stream,
    }
    sent = iter([request]) if kind in ("client_stream", "bidi_stream") else request
    return of_kind[kind](f"/test.Service/{method}")(sent, timeout=timeout)


async def finish(call: Any) -> None:
    """Until the client knows how it ended."""
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
        if hasattr(call, "read"):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call


def counted(test: Callable[[grpc.aio.Channel, Service], Awaitable[None]]) -> dict[str, Rpcs]:
    """What is counted in the course of a test, by method, once the server has stopped."""
    service = Service()

    def add(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((service.handler(),))

    async def main() -> None:
        async with serving(add, [service.interceptor]) as address, grpc.aio.insecure_channel(address) as channel:
            await test(channel, service)

    asyncio.run(main())
    return {name.removeprefix("/test.Service/"): rpcs for name, rpcs in service.interceptor.methods.items()}


@pytest.mark.parametrize("method", KINDS)
@pytest.mark.parametrize(("request_", "code"), [(b"", OK), (b"abort", NOT_FOUND), (b"raise", UNKNOWN)])
def test_an_rpc_is_counted_with_the_status_it_ended_with(method: str, request_: bytes, code: int) -> None:
    async def test(channel: grpc.aio.Channel, service: Service) -> None:
        await finish(begin(channel, method, request_))

    rpcs = counted(test)[method]
    assert (rpcs.kind, rpcs.started, rpcs.handled) == (KINDS[method], 1, {code: 1})
    assert (sum(rpcs.seconds.counts), rpcs.seconds.total) == (1, 0.25)


@pytest.mark.parametrize("method", KINDS)
def test_an_rpc_that_the_client_gives_up_is_cancelled(method: str) -> None:
    async def test(channel: grpc.aio.Channel, service: Service) -> None:
        call = begin(channel, method, b"wait", timeout=60)
        await service.entered.wait()
        call.cancel()
        await service.ended.wait()

    assert counted(test)[method].handled == {CANCELLED: 1}


@pytest.mark.parametrize("method", ["Unary", "Reader"])
def test_an_rpc_whose_deadline_passes_has_exceeded_it(method: str) -> None:
    async def test(channel: grpc.aio.Channel, service: Service) -> None:
        await finish(begin(channel, method, b"wait", timeout=0.5))
        await service.ended.wait()

    assert counted(test)[method].handled == {DEADLINE_EXCEEDED: 1}


def test_an_rpc_under_way_is_started_and_not_handled() -> None:
    async def test(channel: grpc.aio.Channel, service: Service) -> None:
        call = begin(channel, "Unary", b"wait")
        await service.entered.wait()
        (rpcs,) = service.interceptor.methods.values()
        assert (rpcs.started, rpcs.handled) == (1, {})
        call.cancel()

    assert counted(test)["Unary"].handled == {CANCELLED: 1}


def test_methods_that_do_not_exist_leave_no_trace() -> None:
    async def test(channel: grpc.aio.Channel, service: Service) -> None:
        for number in range(3):
            guessed: Any = channel.unary_unary(f"/test.Service/Guess{number}")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await guessed(b"")
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    assert counted(test) == {}
