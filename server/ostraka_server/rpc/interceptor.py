"""Counts RPCs, with the status that each ended with, and refuses malformed requests.

What each method counts here, `metrics.py` shows.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeAlias

import grpc

from ostraka.clock import Clock
from ostraka_server.distribution import seconds
from ostraka_server.rpc.errors import refuse
from ostraka_server.rpc.parsing import Malformed, lenient

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only


class Rpcs:
    """A method's RPCs."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        """unary, client_stream, server_stream or bidi_stream."""
        self.started = 0
        self.handled: Counter[int] = Counter()
        """Ended ones by status code."""
        self.seconds = seconds()
        """From the handler's start to its end."""


class CountingInterceptor(grpc.aio.ServerInterceptor):
    """Counts the RPCs of methods that exist: what a client asks for beside them leaves no trace."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._methods: dict[str, Rpcs] = {}
        self._handlers: dict[str, Handler] = {}

    @property
    def methods(self) -> Mapping[str, Rpcs]:
        """By `/package.Service/Method`, as soon as one was called."""
        return self._methods

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        method = handler_call_details.method
        counting = self._handlers.get(method)
        if counting is not None:
            return counting
        handler = await continuation(handler_call_details)
        if handler is None:  # there is no such method
            return None
        counting = self._handlers[method] = self._counting(method, handler)
        return counting

    def _counting(self, method: str, handler: Handler) -> Handler:
        kind, behavior_of, make = _SHAPES[handler.request_streaming, handler.response_streaming]
        inner = behavior_of(handler)
        rpcs = self._methods[method] = Rpcs(kind)

        async def answer(request: Any, context: Context) -> Any:
            with self._counted(rpcs, context):
                if isinstance(request, Malformed):
                    await refuse(context, request.error())
                return await inner(request, context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            with self._counted(rpcs, context):
                if isinstance(request, Malformed):
                    await refuse(context, request.error())
                async for response in inner(request, context):
                    yield response

        counted = stream if inspect.isasyncgenfunction(inner) else answer
        deserializer = handler.request_deserializer
        if deserializer is not None and not handler.request_streaming:
            deserializer = lenient(deserializer)
        return make(counted, deserializer, handler.response_serializer)

    @contextmanager
    def _counted(self, rpcs: Rpcs, context: Context) -> Iterator[None]:
        rpcs.started += 1
        began = self._clock.now()
        code = grpc.StatusCode.UNKNOWN.value[0]  # what grpc makes of an exception
        try:
            yield
            code = _code(context)
        except (asyncio.CancelledError, GeneratorExit):
            code = _code_of_cancelled(context)
            raise
        except grpc.aio.AbortError:
            code = _code(context)
            raise
        finally:
            rpcs.handled[code] += 1
            rpcs.seconds.observe(self._clock.now() - began)


_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]
_DEADLINE_EXCEEDED: int = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]

_DEADLINE_SLACK_S = 0.1
"""A client whose deadline passes cancels the call a network latency before the deadline passes here."""

_SHAPES: Mapping[tuple[bool, bool], tuple[str, Callable[[Handler], Any], Callable[..., Handler]]] = {
    (False, False): ("unary", attrgetter("unary_unary"), grpc.unary_unary_rpc_method_handler),
    (True, False): ("client_stream", attrgetter("stream_unary"), grpc.stream_unary_rpc_method_handler),
    (False, True): ("server_stream", attrgetter("unary_stream"), grpc.unary_stream_rpc_method_handler),
    (True, True): ("bidi_stream", attrgetter("stream_stream"), grpc.stream_stream_rpc_method_handler),
}
"""By whether requests and whether responses are streams: its name, the behavior in a handler, how to make one."""


def _code(context: Context) -> int:
    """The status that the handler set."""
    code: grpc.StatusCode | None = context.code()
    return 0 if code is None else int(code.value[0])


def _code_of_cancelled(context: Context) -> int:
    remaining: object = context.time_remaining()  # None without a deadline, which the stubs do not know
    late = isinstance(remaining, float | int) and remaining < _DEADLINE_SLACK_S
    return _DEADLINE_EXCEEDED if late else _CANCELLED
