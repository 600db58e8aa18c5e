"""Many concurrent calls to one node, gathered into `Exchange` frames over one stream.

A call joins the queue; the writer sends the queue as one frame in the next turn of the loop, so nothing waits while
the stream is idle, and frames grow while a send is in progress.

Rules:
1. A call always ends in a Reply: the node's, or an error made here that says what is known. It never raises, except
   CancelledError when its caller is cancelled.
2. `surely_not_done` in an error made here is true exactly where the call was never handed to the stream, or the node
   says so of the whole stream.
3. A call that ended otherwise than by the node's reply (deadline, cancellation) is withdrawn: not sent if still
   queued, else followed by a `cancel`.
4. An exchange lives once. When its stream ends, every call ends, and so does each later one; make a new exchange.
5. A node asks a stream that grew old to retire. New calls then belong on another exchange (`takes_calls`); this one
   ends once those that it has are answered, so that none is lost or in doubt.
6. The queue and the calls in flight are bounded; beyond the bounds a call is answered OVERLOADED at once.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from ostraka._frames.exchange_pb2 import ExchangeRequest
from ostraka._transport import Stream, Transport, TransportError
from ostraka.clock import Clock, Timer, next_turn
from ostraka.errors import Status, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Error, ExchangeResponse, Reply

UNANSWERED_CALLS_MAX: Final = 10_000
QUEUED_BYTES_MAX: Final = 16 * 1024 * 1024
FRAME_CALLS_MAX: Final = 1024
FRAME_BYTES_MAX: Final = 1024 * 1024
COMMAND_BYTES_MAX: Final = 4 * 1024 * 1024 - 64 * 1024
"""What is larger than FRAME_BYTES_MAX travels alone, within the 4 MiB that a node takes (`limits.request_bytes_max`). A
larger frame would not fail alone but break the stream under every call."""
REPLIES_PER_TURN_MIN: Final = 20
"""Smaller shares would cost more in frames than working at the same time gains."""
OVERLOAD_RETRY_MS: Final = 50
CONNECT_TIMEOUT_S: Final = 1.0
NODE_SHARE: Final = 0.95
"""The node is given this share of a call's time: its answer at the deadline knows more than ours and should win."""
EXPIRY_STEP_S: Final = 0.005
"""Deadlines are looked at no more often than this, so that expiring many calls costs little."""
TIMEOUT_MS_MAX: Final = 2**32 - 1


@dataclass(slots=True, eq=False)
class Pending:
    """A call that is not answered yet. Whoever waits for its answer and gives up has to `withdraw` it."""

    id: int
    command: bytes
    forwarded: bool
    deadline: float
    answer: asyncio.Future[Reply]
    sent: bool = False


class Exchange:
    """One stream to the node at `address`; connects when made, which must happen on a running loop."""

    def __init__(self, transport: Transport, address: str, clock: Clock) -> None:
        self.address: Final = address
        self._transport = transport
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._unanswered: dict[int, Pending] = {}
        self._queue: deque[Pending] = deque()
        self._queued_bytes = 0
        self._withdrawn: list[int] = []
        self._wake = asyncio.Event()
        self._expiry: Timer | None = None
        self._expiry_at = math.inf
        self._retiring = False
        self._end_error: Error | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def ended(self) -> bool:
        """Whether the stream is over, so that calls can only fail."""
        return self._end_error is not None

    @property
    def takes_calls(self) -> bool:
        """Whether the stream is neither over nor about to be."""
        return self._end_error is None and not self._retiring

    async def call(self, command: bytes, timeout: float, *, forwarded: bool = False) -> Reply:
        """Send a serialised `ostraka.v1.Command` and give the reply, within `timeout` seconds (rule 1).

        The reply's `id` is this stream's own. `forwarded` asks the node to answer NOT_LEADER rather than forward.
        """
        pending = self.send(command, self._clock.now() + timeout, forwarded=forwarded)
        try:
            return await pending.answer
        except asyncio.CancelledError:
            self.withdraw(pending)
            raise

    def send(self, command: bytes, deadline: float, *, forwarded: bool = False) -> Pending:
        """The same without a coroutine, for who makes very many calls: its `answer` is to be awaited. `deadline` is on
        the client's clock."""
        answer = self._loop.create_future()
        pending = Pending(next(self._ids), command, forwarded, deadline, answer)
        refusal = self._refusal(len(command))
        if refusal is not None:
            answer.set_result(refusal)
            return pending
        self._unanswered[pending.id] = pending
        self._queue.append(pending)
        self._queued_bytes += len(command)
        self._wake.set()
        if deadline < self._expiry_at:
            self._expire_at(deadline)
        return pending

    def withdraw(self, pending: Pending) -> None:
        """Nobody waits for this answer any more. Harmless where it is there."""
        if self._unanswered.pop(pending.id, None) is not None and pending.sent:
            self._withdrawn.append(pending.id)
            self._wake.set()
        self._end_if_retired()

    async def close(self) -> None:
        """End the stream and every call that is not answered yet."""
        self._end(to_wire(Status.UNAVAILABLE, "the connection was closed on this side"))
        await asyncio.gather(self._task, return_exceptions=True)

    # -- calls that end without the node's reply

    def _refusal(self, size: int) -> Reply | None:
        """The answer to a call that is not even queued."""
        if self._end_error is not None:
            return _ended_reply(self._end_error, sent=False)
        if size > COMMAND_BYTES_MAX:
            why = f"a request of {size} bytes is over COMMAND_BYTES_MAX, {COMMAND_BYTES_MAX}"
            return _failure(Status.INVALID_ARGUMENT, why, pb.TOO_LARGE)
        if max(len(self._unanswered), len(self._queue)) >= UNANSWERED_CALLS_MAX:  # queued are also withdrawn ones
            why = f"{UNANSWERED_CALLS_MAX} calls wait on this connection"
        elif self._queued_bytes >= QUEUED_BYTES_MAX:
            why = f"{QUEUED_BYTES_MAX} bytes wait to be sent on this connection"
        else:
            return None
        return _failure(Status.RESOURCE_EXHAUSTED, why, pb.OVERLOADED, retry_after_ms=OVERLOAD_RETRY_MS)

    def _expire_at(self, when: float) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry_at = when
        self._expiry = None if when == math.inf else self._clock.call_at(when, self._expire)

    def _expire(self) -> None:
        """End the calls whose time is up. One timer and a scan for all calls: nearly every call is answered in
        time, so that a timer, or a place in a heap, for each of them would be work done to be thrown away."""
        now = self._clock.now()
        for pending in [p for p in self._unanswered.values() if p.deadline <= now]:
            self.withdraw(pending)
            why = "no answer in time" if pending.sent else "not sent in time: no connection, or too much to send"
            reply = _failure(Status.DEADLINE_EXCEEDED, why, pb.DEADLINE, surely_not_done=not pending.sent)
            _resolve(pending, reply)
        earliest = min((p.deadline for p in self._unanswered.values()), default=math.inf)
        self._expire_at(max(earliest, now + EXPIRY_STEP_S))

    def _end_if_retired(self) -> None:
        if self._retiring and not self._unanswered:
            self._end(to_wire(Status.UNAVAILABLE, "the node had this connection end for its age"))

    def _end(self, error: Error) -> None:
        """End the exchange (rule 4). Only the first reason counts."""
        if self._end_error is not None:
            return
        self._end_error = error
        self._expire_at(math.inf)
        for pending in self._unanswered.values():
            _resolve(pending, _ended_reply(error, sent=pending.sent))
        self._unanswered.clear()
        self._queue.clear()
        self._task.cancel()

    # -- the stream

    async def _run(self) -> None:
        no_connection = to_wire(Status.UNAVAILABLE, f"no connection within {CONNECT_TIMEOUT_S} s")
        connecting = self._clock.call_at(
            self._clock.now() + CONNECT_TIMEOUT_S, functools.partial(self._end, no_connection)
        )
        try:
            stream = await self._transport.open(self.address)
            connecting.cancel()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._write(stream))
                    tasks.create_task(self._read(stream))
            finally:
                stream.close()
        except TransportError as broken:
            self._end(broken.error)
        finally:
            connecting.cancel()
            self._end(to_wire(Status.INTERNAL, "the connection ended unexpectedly"))

    async def _write(self, stream: Stream) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while frame := self._next_frame():
                try:
                    await stream.send(frame)
                except TransportError as broken:
                    self._end(broken.error)
                    return

    def _next_frame(self) -> bytes:
        """What is queued, as far as it fits into one frame; empty where there is nothing to say."""
        frame = ExchangeRequest(cancel=self._withdrawn)
        self._withdrawn.clear()
        size, now, calls = 0, self._clock.now(), frame.calls
        while self._queue and len(calls) < FRAME_CALLS_MAX:
            length = len(self._queue[0].command)
            if calls and size + length > FRAME_BYTES_MAX:
                break
            pending = self._queue.popleft()
            self._queued_bytes -= length
            if pending.answer.done():  # withdrawn: it expired, or its caller was cancelled
                continue
            size += length
            pending.sent = True
            call = calls.add()
            call.id = pending.id
            call.timeout_ms = min(max(1, int((pending.deadline - now) * 1000 * NODE_SHARE)), TIMEOUT_MS_MAX)
            call.command = pending.command
            if pending.forwarded:
                call.forwarded = True
        return frame.SerializeToString()

    async def _read(self, stream: Stream) -> None:
        while True:
            try:
                response = ExchangeResponse.FromString(await stream.receive())
            except TransportError as broken:
                self._end(broken.error)
                return
            except DecodeError:
                self._end(to_wire(Status.INTERNAL, "the node sent a frame that is not an ExchangeResponse"))
                return
            await self._take(response.replies)
            self._retiring = self._retiring or response.retire
            self._end_if_retired()

    async def _take(self, replies: Sequence[Reply]) -> None:
        """Let callers go on with their replies; where these are for most callers, for one half after the other. What
        the first half asks for next is then under way while the second goes on: else callers that one frame had
        answered would for ever ask by one frame, and node and client wait for one another instead of both working."""
        share = max(REPLIES_PER_TURN_MIN, len(self._unanswered) // 2)
        answered = iter([(self._unanswered.pop(reply.id, None), reply) for reply in replies])
        try:
            for taken, (pending, reply) in enumerate(answered, 1):
                _resolve(pending, reply)
                if taken % share == 0:
                    await next_turn()
        finally:  # also where the stream ends just now: what the node has answered is known
            for pending, reply in answered:
                _resolve(pending, reply)


def _resolve(pending: Pending | None, reply: Reply) -> None:
    """`pending` is None where the call was withdrawn and the reply crossed the cancel."""
    if pending is not None and not pending.answer.done():  # else cancelled in this very turn
        pending.answer.set_result(reply)


def _ended_reply(error: Error, *, sent: bool) -> Reply:
    reply = Reply(error=error)
    if not sent:
        reply.error.detail.surely_not_done = True
    return reply


def _failure(
    status: Status, why: str, reason: pb.Reason.ValueType, *, surely_not_done: bool = True, retry_after_ms: int = 0
) -> Reply:
    error = to_wire(status, why, reason=reason, surely_not_done=surely_not_done, retry_after_ms=retry_after_ms)
    return Reply(error=error)
