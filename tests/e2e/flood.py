"""An open loop that can offer many times what a cluster does: raw Exchange streams, without the SDK.

The frames are made beforehand and sent again and again; so a call costs this side two microseconds. A stream's frame is
due at its time, whatever became of the ones before. Where the stream still waits for the node to take the last one, its
calls are counted as held back: the node's flow control has refused them. Latencies count from when a frame was due.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter

import grpc

from bench.histogram import Histogram
from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import ExchangeRequest, ExchangeResponse

EXCHANGE = "/ostraka.v1.Exchange/Exchange"
TIMEOUT_MS = 5000
ANSWERS_SECONDS_MAX = 2 * TIMEOUT_MS / 1000
FRAMES = 64
"""Made for each stream. A frame comes again once all its calls are answered; until then the stream is held back."""

OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))


@dataclass(frozen=True, slots=True)
class Offer:
    """Puts at one rate, in frames, through some streams."""

    calls_per_s: float
    value_bytes: int
    frame_calls: int
    streams: int = 4

    @property
    def frame_interval_s(self) -> float:
        """Between two frames of one stream."""
        return self.frame_calls * self.streams / self.calls_per_s


@dataclass(slots=True)
class Outcome:
    """What became of an offer."""

    seconds: float = 0.0
    offered: int = 0
    held_back: int = 0
    refused: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Calls that ended otherwise, by reason."""
    done: Histogram = field(default_factory=Histogram)
    stall_s: float = 0.0
    """The longest time by which this side was late itself, for want of a processor. Latencies below it tell nothing."""

    @property
    def done_per_s(self) -> float:
        return self.done.count / self.seconds

    def milliseconds(self, share: float) -> float:
        """Within which this share of what was done was answered."""
        return 1000 * self.done.at(share)


async def flood(endpoint: str, offer: Offer, seconds: float) -> Outcome:
    """Offer it to a node for so long, then wait for the last answers."""
    outcome = Outcome(seconds)
    async with grpc.aio.insecure_channel(endpoint, options=OPTIONS) as channel:
        streams = [_Stream(channel, offer, number, outcome) for number in range(offer.streams)]
        await channel.channel_ready()
        begin = perf_counter()
        await asyncio.gather(*(stream.run(begin, seconds) for stream in streams))
    return outcome


class _Stream:
    def __init__(self, channel: grpc.aio.Channel, offer: Offer, number: int, outcome: Outcome) -> None:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(EXCHANGE)
        self._call = method()
        self._offer = offer
        self._number = number
        self._outcome = outcome
        self._frames = [self._frame(number) for number in range(FRAMES)]
        self._due: dict[int, float] = {}
        self._unanswered = [0] * FRAMES
        self._answered = asyncio.Event()

    def _frame(self, frame: int) -> bytes:
        request, value = ExchangeRequest(), bytes(self._offer.value_bytes)
        for number in range(self._offer.frame_calls):
            call = request.calls.add(id=frame * self._offer.frame_calls + number, timeout_ms=TIMEOUT_MS)
            call.command.put.key = f"flood {self._number}/{number}".encode()
            call.command.put.value = value
        return request.SerializeToString()

    async def run(self, begin: float, seconds: float) -> None:
        reading = asyncio.create_task(self._read())
        frames, sent = int(seconds / self._offer.frame_interval_s), 0
        offset = self._offer.frame_interval_s * self._number / self._offer.streams
        for number in range(frames):
            due = begin + offset + number * self._offer.frame_interval_s
            self._outcome.offered += self._offer.frame_calls
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
                self._outcome.stall_s = max(self._outcome.stall_s, perf_counter() - due)
            if -wait > self._offer.frame_interval_s or self._unanswered[sent % FRAMES]:
                self._outcome.held_back += self._offer.frame_calls
                continue
            self._due[sent % FRAMES] = due
            self._unanswered[sent % FRAMES] = self._offer.frame_calls
            await self._call.write(self._frames[sent % FRAMES])
            sent += 1
        await self._last_answers()
        reading.cancel()
        self._call.cancel()

    async def _last_answers(self) -> None:
        async with asyncio.timeout(ANSWERS_SECONDS_MAX):
            while any(self._unanswered):
                self._answered.clear()
                await self._answered.wait()

    async def _read(self) -> None:
        while True:
            data = await self._call.read()
            assert isinstance(data, bytes), "the node ended the stream"
            replies = ExchangeResponse.FromString(data).replies
            now = perf_counter()
            for reply in replies:
                frame = reply.id // self._offer.frame_calls
                self._unanswered[frame] -= 1
                if reply.HasField("put"):
                    self._outcome.done.record(now - self._due[frame])
                elif reply.error.detail.reason == Reason.OVERLOADED:
                    self._outcome.refused += 1
                else:
                    self._outcome.failed[reply.error.message] += 1
            self._answered.set()
