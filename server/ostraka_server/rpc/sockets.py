"""What the replica transport needs of TCP: to listen and to connect. The simulator has a twin.

Both ends are `asyncio.Protocol`s. Bytes arrive in the order in which they were written, or the connection is lost.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from ostraka_server.config import Address

UNACKNOWLEDGED_MAX_MS = 3000
"""A peer that acknowledges nothing for so long has lost the connection. Without this TCP repeats what it sent at ever
longer intervals, and an hour's partition is followed by minutes of silence."""

P = TypeVar("P", bound=asyncio.Protocol)


class Listener(Protocol):
    """Takes connections until it is closed."""

    @property
    def address(self) -> Address:
        """With the port that was taken."""

    def close(self) -> None:
        """Take no more. Connections that were taken go on."""


class Sockets(Protocol):
    """A machine's TCP."""

    async def listen(self, make: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        """Have `make` take each connection. Raises OSError."""

    async def connect(self, make: Callable[[], P], address: Address) -> P:
        """A connection. It may take for ever. Raises OSError."""


class _TcpListener:
    def __init__(self, server: asyncio.Server, address: Address) -> None:
        self._server = server
        self.address = address

    def close(self) -> None:
        self._server.close()


class TcpSockets:
    """The operating system's, on the running loop."""

    async def listen(self, make: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        server = await asyncio.get_running_loop().create_server(make, address.host, address.port)
        for listening in server.sockets:
            _notice_the_lost(listening)  # which connections inherit
        return _TcpListener(server, Address(address.host, server.sockets[0].getsockname()[1]))

    async def connect(self, make: Callable[[], P], address: Address) -> P:
        transport, protocol = await asyncio.get_running_loop().create_connection(make, address.host, address.port)
        _notice_the_lost(transport.get_extra_info("socket"))
        return protocol


def _notice_the_lost(each: socket.socket) -> None:
    """Have a connection end whose other side is gone, whether or not something is sent on it."""
    each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with suppress(AttributeError, OSError):  # not on every platform
        seconds = UNACKNOWLEDGED_MAX_MS // 1000
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS)
