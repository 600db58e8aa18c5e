"""The Exchange service: frames of calls in, frames of replies out, in whatever order they come.

Registered with `frames.ExchangeRequest`, byte for byte the public message with commands left as bytes: what the
client serialised goes to the log unread by this file. Replies that are ready in one turn of the loop share a frame.

Replies wait here for a client that reads slowly, in bounded room (`Limits.unsent_bytes_*`). Reads may fill half of a
stream's, and are told to come back when it is full; the other half is for refusals and for the replies to writes, which
are done already. A client that lets it fill up has stopped reading: its stream is cut.

Streams grow old (`Limits.connection_age_ms`), so that clients come to use the addresses that there are by then. An old
one is asked to retire: its client makes another for its next calls and leaves once it has its answers, so that no call
is lost or tried twice. Whoever stays beyond the grace is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from random import Random
from typing import Any

import grpc

from ostraka._frames import exchange_pb2 as frames
from ostraka.clock import Clock
from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.config import Limits
from ostraka_server.rpc.errors import refuse
from ostraka_server.rpc.intake import Intake
from ostraka_server.rpc.parsing import Malformed, lenient
from ostraka_server.shard import failures
from ostraka_server.shard.calls import READS, Call
from ostraka_server.shard.gateway import Gateway

FRAME_BYTES_MAX = 3 << 20
"""Replies are gathered into frames up to so many bytes; a single larger one gets a frame of its own."""

FRAME_CALLS_MAX = 4096
"""Calls in one frame of a client, and as many cancellations: more would keep the node from its heartbeats."""

TURN_CALLS_MAX = 1024
"""Calls that are taken, of all streams together, in one turn of the event loop; the last frame of it may be larger."""

STREAM_AGES = 1.1, 1.2
"""A stream is asked to retire at an age between these shares of `connection_age_ms`. By then gRPC lets its connection
take no more RPCs (`rpc/server.py`), so that the next stream gets a new connection."""


class _Session:
    """One stream."""

    def __init__(self, service: ExchangeService, limits: Limits) -> None:
        self._service = service
        self._gateway = service.gateway
        self._limits = limits
        self._calls: dict[int, Call] = {}
        self._replies: list[bytes] = []
        self._asks_to_retire = False
        self.unsent_bytes = 0
        self.cut: Reply | None = None
        """What the client is told where this side ends the stream."""
        self._over = False
        self._reader = asyncio.current_task()
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()

    def take(self, frame: frames.ExchangeRequest) -> None:
        """Submit a frame's calls, withdraw what it cancels."""
        for call in frame.calls:
            self._submit(call)
        self.withdraw(frame.cancel)

    def refuse(self, frame: frames.ExchangeRequest) -> bool:
        """Refuse all of a frame's calls where not even the first can be taken now; whether that is so. Their answers
        differ in the id alone, so the rest of them is encoded once."""
        calls = frame.calls
        refusal = self._gateway.refuse(len(calls), len(calls[0].command)) if calls else None
        if refusal is None:
            return False
        body = refusal.SerializeToString()
        for call in calls:
            self._send(Reply(id=call.id).SerializeToString() + body)
        self.withdraw(frame.cancel)
        return True

    def withdraw(self, call_ids: Iterable[int]) -> None:
        """The client does not want these answers any more."""
        for call_id in call_ids:
            withdrawn = self._calls.get(call_id)
            if withdrawn is not None:
                self._gateway.withdraw(withdrawn)

    def _submit(self, call: frames.Call) -> None:
        call_id = call.id
        if call_id in self._calls:
            return self._tell(call_id, failures.invalid(f"call id {call_id} is in use on this stream"))
        if len(self._calls) >= (most := self._limits.calls_per_stream_max):
            return self._tell(call_id, failures.overloaded(f"this stream's calls_per_stream_max ({most})"))
        answer = partial(self._answered, call_id)
        submitted = self._gateway.submit(call.command, call.timeout_ms, answer, forwarded=call.forwarded)
        if submitted is not None and not submitted.is_answered:
            self._calls[call_id] = submitted

    def _tell(self, call_id: int, refusal: Reply) -> None:
        self._gateway.tally.count("unread", refusal)
        self._answer(call_id, refusal)

    def _answered(self, call_id: int, reply: Reply) -> None:
        self._calls.pop(call_id, None)
        self._answer(call_id, reply)

    def _answer(self, call_id: int, reply: Reply) -> None:
        if self._over:
            return
        reply.id = call_id
        data = reply.SerializeToString()
        if self.unsent_bytes and (full := self._no_room_for(reply, len(data))) is not None:
            self._service.replies_dropped += 1
            told = failures.overloaded(full)
            told.id = call_id
            data = told.SerializeToString()
        self._send(data)

    def _send(self, data: bytes) -> None:
        self._replies.append(data)
        self._count(len(data))
        self._wake.set()
        if self.unsent_bytes > self._limits.unsent_bytes_per_stream_max:
            self._cut(failures.unread(self._limits.unsent_bytes_per_stream_max))

    def retire(self) -> None:
        """Ask the client to make another stream, and to leave this one."""
        self._asks_to_retire = True
        self._wake.set()

    def outlive(self) -> None:
        """The client stayed, though it was asked to leave."""
        self._cut(failures.outlived(self._limits.connection_age_grace_ms))

    def _cut(self, why: Reply) -> None:
        if not self._over and self._reader is not None:
            self._over = True
            self.cut = why
            self._service.streams_cut += 1
            self._reader.cancel()

    def _no_room_for(self, reply: Reply, size: int) -> str | None:
        """Which bound a read's reply would break; None where it is to be sent. Every other reply is."""
        limits = self._limits
        if self.unsent_bytes + size > limits.unsent_bytes_per_stream_max // 2:
            full = f"half of this stream's unsent_bytes_per_stream_max ({limits.unsent_bytes_per_stream_max})"
        elif self._service.unsent_bytes + size > limits.unsent_bytes_max:
            full = f"this node's unsent_bytes_max ({limits.unsent_bytes_max})"
        else:
            return None
        return full if reply.WhichOneof("result") in READS else None

    def _count(self, size: int) -> None:
        self.unsent_bytes += size
        self._service.unsent_bytes += size

    async def write(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Send replies as they come, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._replies or self._asks_to_retire:
                frame, size = self._next_frame()
                response = frames.ExchangeResponse(replies=frame, retire=self._asks_to_retire)
                self._asks_to_retire = False
                await context.write(response)
                self._count(-size)
            self._progress.set()

    async def drained(self) -> None:
        """Return once every call taken so far is answered and its reply sent."""
        while self._calls or self.unsent_bytes:
            self._progress.clear()
            await self._progress.wait()

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
        self._over = True
        self._replies.clear()
        self._count(-self.unsent_bytes)
        for call in tuple(self._calls.values()):
            self._gateway.withdraw(call)


class ExchangeService:
    """One handler, bidirectional."""

    def __init__(self, gateway: Gateway, limits: Limits, clock: Clock, random: Random) -> None:
        """`random` spreads the ages that streams reach."""
        self.gateway = gateway
        self._limits = limits
        self._clock = clock
        self._random = random
        self._intake = Intake(TURN_CALLS_MAX)
        self.streams = 0
        """Open now."""
        self.streams_cut = 0
        """Since the start, because their clients did not read, or did not leave when they were asked to."""
        self.replies_dropped = 0
        """Since the start: replies to reads for which there was no room, so that a refusal was sent."""
        self.unsent_bytes = 0
        """Of replies that wait for their clients, on all streams."""

    async def exchange(self, _: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Until the client half-closes (then what is under way is still answered) or the stream breaks."""
        if self.streams >= self._limits.streams_max:
            await refuse(context, failures.overloaded(f"this node's streams_max ({self._limits.streams_max})").error)
        self.streams += 1
        try:
            await self._serve(context)
        finally:
            self.streams -= 1

    async def _serve(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        session = _Session(self, self._limits)
        writer = asyncio.create_task(session.write(context))
        retires_at = self._clock.now() + self._random.uniform(*STREAM_AGES) * self._limits.connection_age_ms / 1000
        retirement = self._clock.call_at(retires_at, session.retire)
        end = self._clock.call_at(retires_at + self._limits.connection_age_grace_ms / 1000, session.outlive)
        try:
            problem = await self._read(session, context)
        finally:
            retirement.cancel()
            end.cancel()
            writer.cancel()
            session.close()
        if problem is not None:  # told only now: a client that does not read would keep all that it has here
            problem.error.detail.surely_not_done = False  # of all the calls on this stream
            await refuse(context, problem.error)

    async def _read(self, session: _Session, context: grpc.aio.ServicerContext[Any, Any]) -> Reply | None:
        """Take frames until the client has no more and every reply is sent; or why it has to end before."""
        try:
            while (frame := await context.read()) is not grpc.aio.EOF:
                if isinstance(frame, Malformed):
                    return Reply(error=frame.error())
                if max(len(frame.calls), len(frame.cancel)) > FRAME_CALLS_MAX:
                    return failures.too_large(f"a frame of over {FRAME_CALLS_MAX} calls: send several")
                if not session.refuse(frame):
                    await self._intake.enter(len(frame.calls))
                    session.take(frame)
            await session.drained()
        except asyncio.CancelledError:
            if session.cut is None:
                raise
            return session.cut
        return None

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a server."""
        method = grpc.stream_stream_rpc_method_handler(
            self.exchange,
            request_deserializer=lenient(frames.ExchangeRequest.FromString, "ostraka.v1.ExchangeRequest"),
            response_serializer=frames.ExchangeResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("ostraka.v1.Exchange", {"Exchange": method})
