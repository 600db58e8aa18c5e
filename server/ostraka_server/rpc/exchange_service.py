"""The Exchange service: frames of calls in, frames of replies out, in whatever order they come.

Registered with `wire.ExchangeRequest`, which is byte for byte the public message with commands left as bytes: what the
client serialised goes to the log unread by this file. Replies that are ready in one turn of the loop share a frame.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import grpc

from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.rpc.errors import refuse
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from ostraka_server.shard.gateway import Gateway
from ostraka_server.wire import exchange_pb2 as wire

FRAME_BYTES_MAX = 3 << 20
"""Replies are gathered into frames up to so many bytes; a single larger one gets a frame of its own."""

UNSENT_BYTES_MAX = 32 << 20
"""Replies that may wait for a client that does not read; beyond, its stream is ended."""


class _Session:
    """One stream."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._calls: dict[int, Call] = {}
        self._replies: list[bytes] = []
        self._unsent_bytes = 0
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()

    def take(self, frame: wire.ExchangeRequest) -> None:
        """Submit a frame's calls, withdraw what it cancels."""
        for call in frame.calls:
            self._submit(call)
        for call_id in frame.cancel:
            withdrawn = self._calls.get(call_id)
            if withdrawn is not None:
                self._gateway.withdraw(withdrawn)

    def _submit(self, call: wire.Call) -> None:
        call_id = call.id
        if call_id in self._calls:
            self._answer(call_id, failures.invalid(f"call id {call_id} is in use on this stream"))
            return
        answer = partial(self._answered, call_id)
        submitted = self._gateway.submit(call.command, call.timeout_ms, answer, forwarded=call.forwarded)
        if submitted is not None and not submitted.is_answered:
            self._calls[call_id] = submitted

    def _answered(self, call_id: int, reply: Reply) -> None:
        self._calls.pop(call_id, None)
        self._answer(call_id, reply)

    def _answer(self, call_id: int, reply: Reply) -> None:
        reply.id = call_id
        data = reply.SerializeToString()
        self._replies.append(data)
        self._unsent_bytes += len(data)
        self._wake.set()

    async def write(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Send replies as they come, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._replies:
                frame, size = self._next_frame()
                await context.write(wire.ExchangeResponse(replies=frame))
                self._unsent_bytes -= size
            self._progress.set()

    async def drained(self) -> None:
        """Return once every call taken so far is answered and its reply sent."""
        while self._calls or self._unsent_bytes:
            self._progress.clear()
            await self._progress.wait()

    @property
    def is_stuck(self) -> bool:
        """Whether the client has stopped reading."""
        return self._unsent_bytes > UNSENT_BYTES_MAX

    def _next_frame(self) -> tuple[list[bytes], int]:
        size = taken = 0
        for reply in self._replies:
            if taken and size + len(reply) > FRAME_BYTES_MAX:
                break
            size += len(reply)
            taken += 1
        frame, self._replies = self._replies[:taken], self._replies[taken:]
        return frame, size

    def close(self) -> None:
        """The stream is over: nobody waits for the answers any more."""
        for call in tuple(self._calls.values()):
            self._gateway.withdraw(call)


class ExchangeService:
    """One handler, bidirectional."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def exchange(self, _: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Until the client half-closes (then what is under way is still answered) or the stream breaks."""
        session = _Session(self._gateway)
        writer = asyncio.create_task(session.write(context))
        try:
            while (frame := await context.read()) is not grpc.aio.EOF:
                session.take(frame)
                if session.is_stuck:
                    stuck = failures.overloaded(f"this stream's queue of unread replies ({UNSENT_BYTES_MAX} bytes)")
                    await refuse(context, stuck.error)
            await session.drained()
        finally:
            writer.cancel()
            session.close()

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a server."""
        method = grpc.stream_stream_rpc_method_handler(
            self.exchange,
            request_deserializer=wire.ExchangeRequest.FromString,
            response_serializer=wire.ExchangeResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("ostraka.v1.Exchange", {"Exchange": method})
