"""Calls passed on to the node that leads their group, gathered into `Exchange` frames by the SDK's own connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ostraka._exchanges import Exchanges
from ostraka._transport import Transport
from ostraka.clock import Clock
from ostraka.v1.common_pb2 import Reason
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call


class Forwarder:
    """Keeps one connection to each node that it was asked to forward to."""

    def __init__(self, transport: Transport, addresses: Mapping[str, str], clock: Clock) -> None:
        self._addresses = addresses
        self._clock = clock
        self._exchanges = Exchanges(transport, clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls = 0
        """Passed on, since the start; one that was tried again counts again."""

    def address(self, node: str) -> str:
        """Where clients reach `node`."""
        return self._addresses[node]

    def forward(self, call: Call, node: str, retry: Callable[[Call], None]) -> None:
        """Pass `call` on to `node`; its reply answers the call. `retry` takes calls that surely had no effect there and
        reads that got no answer, so that another try may succeed."""
        self.calls += 1
        task = asyncio.create_task(self._forward(call, node, retry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, call: Call, node: str, retry: Callable[[Call], None]) -> None:
        timeout = call.deadline - self._clock.now()
        reply = await self._exchanges.to(self._addresses[node]).call(call.command, timeout, forwarded=True)
        error = reply.error
        if reply.HasField("error") and error.detail.reason == Reason.REASON_UNSPECIFIED:
            # Nodes give reasons: this is the connection's end, and not the end of the caller's connection to us.
            reply = failures.connection_lost(node, surely_not_done=error.detail.surely_not_done)
            error = reply.error
        elsewhere = error.code == failures.UNAVAILABLE and (error.detail.surely_not_done or call.is_read)
        if elsewhere and not call.is_answered:
            retry(call)
        else:
            call.answer(reply)

    async def close(self) -> None:
        """Drop all connections; calls under way end with what is known of them."""
        await self._exchanges.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
