"""The replica transport: one TCP connection from each node to each other node, for what the first sends the second.

Each begins with a Hello, repeated whenever the formation moves on. What a peer's Hello is worth is decided by
`on_hello`; until it was taken, nothing else is. A connection that carries anything malformed is closed and made anew;
the node is not disturbed.

Length-prefixed frames over asyncio were measured at less than half a gRPC stream's processor time per message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, cast

from ostraka.clock import Clock
from ostraka_server.config import Address
from ostraka_server.logs import fields
from ostraka_server.paxos.formation import Stranger
from ostraka_server.rpc.frames import FrameReader, MalformedFrame, encode
from ostraka_server.rpc.sockets import Listener, Sockets, TcpSockets
from ostraka_server.wire.replica_pb2 import Frame, Hello

UNSENT_BYTES_MAX = 64 << 20
"""Bytes that may wait for a slow peer; what comes on top is dropped, and sent again by consensus."""

MESSAGES_BYTES_MAX = 1 << 20
"""Messages are gathered into frames up to so many bytes; a single larger one gets a frame of its own."""

RECONNECT_FIRST_S = 0.05
RECONNECT_MAX_S = 1.0
CONNECT_TIMEOUT_S = 2.0

log = logging.getLogger("ostraka.peers")


class Handler(Protocol):
    """What the node does with what arrives."""

    def hello(self) -> Hello:
        """What to tell a peer first."""

    def on_hello(self, hello: Hello) -> str:
        """Take a peer's Hello; its node. Raises Stranger to refuse it."""

    def sequence(self) -> int:
        """How far this node's log is durable."""

    def on_messages(self, node: str, messages: Sequence[bytes], sequence: int) -> None:
        """Replica messages from a peer whose Hello was taken, and how far its log is durable. Raises Stranger."""


class _Link(asyncio.Protocol):
    """The outgoing connection to one peer."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._on_lost()

    def write(self, frame: bytes) -> bool:
        if self._transport is None or self.unsent_bytes > UNSENT_BYTES_MAX:
            return False
        self._transport.write(frame)
        return True

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Incoming(asyncio.Protocol):
    """A connection that a peer made."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._reader = FrameReader()
        self._node: str | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._peers.incoming[self] = None

    def connection_lost(self, error: Exception | None) -> None:
        self._peers.incoming.pop(self, None)

    def data_received(self, data: bytes) -> None:
        self._peers.bytes_received += len(data)
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except (MalformedFrame, Stranger) as refusal:
            self._peers.refused += 1
            assert self._transport is not None
            peer = self._transport.get_extra_info("peername")
            log.warning("replica connection refused", extra=fields(peer=str(peer), why=str(refusal)))
            self.close()

    def _take(self, frame: Frame) -> None:
        self._peers.frames_received += 1
        if frame.HasField("hello"):
            self._node = self._peers.handler.on_hello(frame.hello)
        elif self._node is None:
            raise MalformedFrame("messages before a hello")
        if frame.messages:
            assert self._node is not None
            self._peers.handler.on_messages(self._node, frame.messages, frame.sequence)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Peers:
    """All connections of a node to its peers. The `Transport` of `shard/`."""

    def __init__(
        self, handler: Handler, addresses: dict[str, Address], clock: Clock, sockets: Sockets | None = None
    ) -> None:
        """`addresses`: of the other nodes. `sockets`: by default the operating system's."""
        self.handler = handler
        self.incoming: dict[_Incoming, None] = {}  # in order, as a set would not be
        self.refused = 0
        self.frames_sent = 0
        self.frames_received = 0
        self.frames_dropped = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self._addresses = addresses
        self._clock = clock
        self._sockets = sockets or TcpSockets()
        self._links: dict[str, _Link] = {}
        self._listener: Listener | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def listen(self, address: Address) -> Address:
        """Take connections. Returns the address with the port that was taken. Raises OSError."""
        self._listener = await self._sockets.listen(lambda: _Incoming(self), address)
        return self._listener.address

    def connect(self) -> None:
        """Keep a connection to every peer from now on."""
        self._tasks = [asyncio.create_task(self._keep(node)) for node in self._addresses]

    def is_reachable(self, node: str) -> bool:
        """Whether there is a connection to `node` at present."""
        return node in self._links

    @property
    def unsent_bytes(self) -> dict[str, int]:
        """What waits to be sent, by node."""
        links = ((node, self._links.get(node)) for node in self._addresses)
        return {node: link.unsent_bytes if link else 0 for node, link in links}

    def say_hello(self) -> None:
        """Something that a Hello tells has changed: tell everyone."""
        frame = self._hello()
        for link in self._links.values():
            link.write(frame)

    def send(self, node: str, messages: Sequence[bytes]) -> None:
        """See `shard.seams.Transport`."""
        link = self._links.get(node)
        for share in _shares(messages):
            frame = encode(Frame(messages=share, sequence=self.handler.sequence()))
            if link is not None and link.write(frame):
                self.frames_sent += 1
                self.bytes_sent += len(frame)
            else:
                self.frames_dropped += 1

    async def close(self) -> None:
        """Drop everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
        for link in self._links.values():
            link.close()
        for incoming in tuple(self.incoming):
            incoming.close()

    def _hello(self) -> bytes:
        return encode(Frame(hello=self.handler.hello()))

    async def _keep(self, node: str) -> None:
        delay = RECONNECT_FIRST_S
        while True:
            lost = asyncio.Event()
            link = await self._connect(node, lost)
            if link is not None:
                delay = RECONNECT_FIRST_S
                link.write(self._hello())
                self._links[node] = link
                await lost.wait()
                del self._links[node]
            await self._clock.sleep(delay)
            delay = min(2 * delay, RECONNECT_MAX_S)

    async def _connect(self, node: str, lost: asyncio.Event) -> _Link | None:
        address = self._addresses[node]  # resolved anew each time: names move
        connecting = asyncio.ensure_future(self._sockets.connect(lambda: _Link(lost.set), address))
        timer = self._clock.call_at(self._clock.now() + CONNECT_TIMEOUT_S, connecting.cancel)
        try:
            return await connecting
        except OSError:
            return None
        except asyncio.CancelledError:
            if connecting.cancelled() and not asyncio.current_task().cancelling():  # type: ignore[union-attr]
                return None  # the timer's doing
            raise
        finally:
            timer.cancel()


def _shares(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """All of them, in order, by frames."""
    first = size = 0
    for end, message in enumerate(messages):
        if end > first and size + len(message) > MESSAGES_BYTES_MAX:
            yield messages[first:end]
            first, size = end, 0
        size += len(message)
    yield messages[first:]
