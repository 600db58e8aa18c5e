"""Calls that persist: tried again, here and there, until done, refused, unknown or out of time.

The router decides, this module does: it keeps one exchange per node, waits, and looks at the cluster when the router
asks for it. A write that may have taken effect is never sent again from here: `_writes.py` knows when to.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message

from ostraka._exchanges import Exchanges
from ostraka._routing import Router
from ostraka._transport import Transport, TransportError
from ostraka.clock import Clock
from ostraka.errors import ClientClosed, DeadlineExceeded, OstrakaError, Retryable, Status, from_wire, to_wire
from ostraka.v1.cluster_pb2 import MembersRequest, MembersResponse, ShardsRequest, ShardsResponse
from ostraka.v1.exchange_pb2 import Error, Reply

LOOK_TIMEOUT_S: Final = 1.0
LOOK_PAUSE_S: Final = 0.2
"""Between two looks at the cluster, however much goes wrong."""

Result = TypeVar("Result")
Response = TypeVar("Response", bound=Message)


class Caller:
    """The calls of one client, on one event loop."""

    def __init__(self, router: Router, transport: Transport, clock: Clock) -> None:
        self._router = router
        self._transport = transport
        self._clock = clock
        self._exchanges = Exchanges(transport, clock)
        self._loop: asyncio.AbstractEventLoop | None = None  # that of the first call, and of all others
        self._look: asyncio.Task[None] | None = None
        self._pausing: set[asyncio.Future[None]] = set()
        self._closed = False

    async def command(
        self, command: bytes, key: bytes, *, write: bool, timeout: float, anywhere: bool = False
    ) -> Reply:
        """The reply, never an error, to a serialised Command about `key`; from any node where `anywhere`.
        Raises OstrakaError, within `timeout` seconds."""

        # The first try, which nearly always is the only one, stands here by itself: it is the SDK's hottest path.
        route = None if anywhere else key
        began = self._clock.now()
        address = self._pick(route, began)
        exchange = self._exchanges.to(address)
        pending = exchange.send(command, began + timeout)
        try:
            reply = await pending.answer
        except asyncio.CancelledError:
            exchange.withdraw(pending)
            raise
        error = self._failure(reply, route)
        if error is None:
            if self._router.is_disturbed:
                self._reached(address)
            return reply

        async def send(address: str, remaining: float) -> Reply:
            reply = await self._exchanges.to(address).call(command, remaining)
            error = self._failure(reply, route)
            if error is not None:
                raise TransportError(error)
            return reply

        return await self._persist(send, route, address, error, write=write, timeout=timeout, began=began)

    async def unary(
        self, method: str, request: Message, response: type[Response], *, write: bool, timeout: float
    ) -> Response:
        """A unary call that any node can serve. Raises OstrakaError, within `timeout` seconds."""

        async def send(address: str, remaining: float) -> Response:
            if write:
                remaining -= await self._seconds_to_reach(address, remaining)
            return await self._unary(address, method, request, response, remaining)

        began = self._clock.now()
        address = self._pick(None, began)
        try:
            result = await send(address, timeout)
        except TransportError as failed:
            error = failed.error
            return await self._persist(send, None, address, error, write=write, timeout=timeout, began=began)
        self._reached(address)
        return result

    async def ask(
        self, address: str, method: str, request: Message, response: type[Response], *, timeout: float
    ) -> Response:
        """A unary read of this node and no other: tried once. Raises OstrakaError, within `timeout` seconds."""
        self._check_usable()
        try:
            return await self._unary(address, method, request, response, timeout)
        except TransportError as failed:
            if self._closed:
                raise ClientClosed("close() was called during the call") from None
            raise from_wire(failed.error, write=False, origin=address) from None

    def shard_of(self, key: bytes) -> int:
        """The number of the key's shard; 0, which stands for the only one, before the layout is known."""
        return self._router.shard_of(key)

    async def pause(self, until: float, task: asyncio.Task[Any] | None = None) -> None:
        """Wait between two tries, or for another's task; no longer once the client is closed."""
        if self._closed:
            return
        pause = asyncio.get_running_loop().create_future()
        timer = self._clock.call_at(until, functools.partial(_end, pause))
        self._pausing.add(pause)
        if task is not None:
            task.add_done_callback(lambda _: _end(pause))
        try:
            await pause
        finally:
            self._pausing.discard(pause)
            timer.cancel()

    async def close(self) -> None:
        """End every call and connection."""
        self._check_loop()
        self._closed = True
        for pause in self._pausing:
            _end(pause)
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
        await self._exchanges.close()
        await self._transport.close()

    async def _persist(
        self,
        send: Callable[[str, float], Awaitable[Result]],
        key: bytes | None,
        address: str,
        error: Error,
        *,
        write: bool,
        timeout: float,
        began: float,
    ) -> Result:
        """Go on after a first try, at `address`, that ended with `error`."""
        deadline = began + timeout
        attempt = 1
        obstacle: Error | None = None  # what ended the try before
        while True:
            now = self._clock.now()
            step = self._router.after_failure(error, address, key, write=write, attempt=attempt, now=now)
            self._look_if_due()
            if self._closed and isinstance(step, float | Retryable):
                raise ClientClosed("close() was called during the call")
            if isinstance(step, DeadlineExceeded) and obstacle is not None:
                raise _out_of_time(obstacle, address, attempt, timeout)  # it says more than that time ran out again
            if isinstance(step, OstrakaError):
                try:
                    raise step
                finally:
                    del step  # else it and this frame, which its traceback holds, would keep each other alive
            obstacle = error
            if now + step >= deadline:
                raise _out_of_time(error, address, attempt, timeout)
            if step > 0:
                await self.pause(now + step)
                now = self._clock.now()
            attempt += 1
            address = self._pick(key, now)
            try:
                result = await send(address, deadline - now)
            except TransportError as failed:
                error = failed.error
                continue
            self._reached(address)
            return result

    def _pick(self, key: bytes | None, now: float) -> str:
        self._check_usable()
        return self._router.pick(key, now)

    def _check_usable(self) -> None:
        self._check_loop()
        if self._closed:
            raise ClientClosed("close() was called")

    def _check_loop(self) -> None:
        """Connections belong to the loop on which they were made: on another one they fail at random, or hang."""
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = running
        elif self._loop is not running:
            raise RuntimeError("this client was first used on another event loop: make one for each loop")

    def _failure(self, reply: Reply, key: bytes | None) -> Error | None:
        """The error in a reply; where there is none, who answered for `key` is remembered."""
        result = reply.WhichOneof("result")
        if result is None or result == "error":
            return reply.error
        if key is not None:
            self._router.answered(key, getattr(reply, result).header.node)
        return None

    def _reached(self, address: str) -> None:
        """The node at `address` has answered."""
        self._router.reached(address)
        self._look_if_due()

    async def _unary(
        self, address: str, method: str, request: Message, response: type[Response], timeout: float
    ) -> Response:
        raw = await self._transport.unary(address, method, request.SerializeToString(), timeout)
        try:
            return response.FromString(raw)
        except DecodeError:
            why = f"the node's answer is not a {response.DESCRIPTOR.name}"
            raise TransportError(to_wire(Status.INTERNAL, why)) from None

    async def _seconds_to_reach(self, address: str, timeout: float) -> float:
        """Make sure, before a write, that the node answers: of a unary call that fails nobody can tell whether it was
        sent. Raises TransportError, and then it was not."""
        began = self._clock.now()
        patience = min(LOOK_TIMEOUT_S, timeout / 2)
        try:
            await self._unary(address, "/ostraka.v1.Cluster/Members", MembersRequest(), MembersResponse, patience)
        except TransportError as failed:
            why = f"the node cannot be reached: {failed.error.message}"
            raise TransportError(to_wire(Status.UNAVAILABLE, why, surely_not_done=True)) from None
        return self._clock.now() - began

    def _look_if_due(self) -> None:
        if self._router.stale and not self._closed and (self._look is None or self._look.done()):
            self._look = asyncio.create_task(self._look_around())

    async def _look_around(self) -> None:
        """Ask one node after the other for members and layout, until one answers."""
        for address in self._router.each(self._clock.now()):
            try:
                members = await self._unary(
                    address, "/ostraka.v1.Cluster/Members", MembersRequest(), MembersResponse, LOOK_TIMEOUT_S
                )
                shards = await self._unary(
                    address, "/ostraka.v1.Cluster/Shards", ShardsRequest(), ShardsResponse, LOOK_TIMEOUT_S
                )
            except TransportError:
                continue
            self._router.update(members.members, shards.shards)
            break
        await self._clock.sleep(LOOK_PAUSE_S)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _out_of_time(error: Error, address: str, attempts: int, timeout: float) -> OstrakaError:
    """What stood in the way last. Only what surely had no effect, or a read, is tried to the end."""
    tried = Error()
    tried.CopyFrom(error)
    tried.message = f"{error.message}; tried {attempts} times in {timeout:.3g} s"
    return from_wire(tried, write=False, origin=address)
