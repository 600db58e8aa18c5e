"""A small HTTP/1.1 server for pages that a machine or a person looks at now and then: one request a connection.

It runs on the node's own loop. So a page is read from state that nothing changes meanwhile, and a node whose loop
is stuck does not answer, which is what a health check asks about. No page waits for anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple, cast

from ostraka.clock import Clock, Timer
from ostraka_server.config import Address
from ostraka_server.rpc.server import PortTaken

REQUEST_BYTES_MAX = 8 << 10
"""Request line and headers."""

CONNECTION_S = 5.0
"""From connect to the last byte of the answer; then the connection is dropped."""

CONNECTIONS_MAX = 64

_END_OF_HEAD = b"\r\n\r\n"
_METHODS = ("GET", "HEAD")


class Page(NamedTuple):
    """An answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class HttpServer:
    """Serves each of `pages`, by path, with what its function returns."""

    def __init__(self, pages: Mapping[str, Callable[[], Page]], clock: Clock) -> None:
        self.open: set[_Connection] = set()
        self.clock = clock
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def listen(self, address: Address) -> Address:
        """Take connections; the address with the port that was taken. Raises PortTaken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), address.host, address.port)
        except OSError as error:
            raise PortTaken(
                f"cannot listen for HTTP on {address} ({error.strerror}): stop what uses it, or set listen_http"
            ) from error
        return Address(address.host, self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Drop everything."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.open):
            connection.abort()

    def answer(self, head: bytes) -> bytes:
        """The response to a request, of which `head` is everything up to the empty line."""
        request_line, _, _ = head.partition(b"\r\n")
        words = request_line.decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _response(_plain(HTTPStatus.BAD_REQUEST))
        method, target, _ = words
        if method not in _METHODS:
            return _response(_plain(HTTPStatus.METHOD_NOT_ALLOWED), allow=", ".join(_METHODS))
        make = self._pages.get(target.partition("?")[0])
        page = make() if make is not None else _plain(HTTPStatus.NOT_FOUND, f"here are {', '.join(self._pages)}")
        return _response(page, with_body=method == "GET")


class _Connection(asyncio.Protocol):
    """One client's."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._received = b""
        self._answered = False
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        if len(self._server.open) >= CONNECTIONS_MAX:
            return self._transport.abort()
        self._server.open.add(self)
        clock = self._server.clock
        self._timer = clock.call_at(clock.now() + CONNECTION_S, self.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._answered:
            return
        self._received += data
        head, end, _ = self._received.partition(_END_OF_HEAD)
        if end and len(head) <= REQUEST_BYTES_MAX:
            self._answer(self._server.answer(head)).close()  # once it is written
        elif len(self._received) > REQUEST_BYTES_MAX:
            answered = self._answer(_response(_plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)))
            answered.write_eof()  # not closed: with bytes unread, that would reset the connection and lose the answer

    def abort(self) -> None:
        """Drop it."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, response: bytes) -> asyncio.Transport:
        assert self._transport is not None
        self._answered = True
        self._received = b""
        self._transport.write(response)
        return self._transport


def _plain(status: HTTPStatus, hint: str = "") -> Page:
    return Page(status, "text/plain; charset=utf-8", f"{status.phrase}{': ' if hint else ''}{hint}\n".encode())


def _response(page: Page, *, with_body: bool = True, allow: str = "") -> bytes:
    lines = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.content_type}",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if allow:
        lines.append(f"Allow: {allow}")
    return "\r\n".join((*lines, "", "")).encode() + (page.body if with_body else b"")
