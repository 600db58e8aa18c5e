"""The HTTP port: pages, refusals, and clients that mean no good or nothing at all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.config import Address
from ostraka_server.rpc.http import CONNECTION_S, CONNECTIONS_MAX, REQUEST_BYTES_MAX, HttpServer, Page
from ostraka_server.rpc.server import PortTaken
from tests.rpc.cluster import ManualClock

PAGE = Page(HTTPStatus.SERVICE_UNAVAILABLE, "application/json", b'{"ready": false}\n')
ANY_PORT = Address("127.0.0.1", 0)


def server(clock: ManualClock | None = None) -> HttpServer:
    return HttpServer({"/readyz": lambda: PAGE}, clock or ManualClock())


def head(request: str) -> bytes:
    """The first line of the answer, without the version."""
    line, _, _ = server().answer(request.encode()).partition(b"\r\n")
    assert line.startswith(b"HTTP/1.1 ")
    return line.removeprefix(b"HTTP/1.1 ")


def test_a_page_is_served_whole() -> None:
    answer = server().answer(b"GET /readyz HTTP/1.1\r\nHost: n1")
    headers, _, body = answer.partition(b"\r\n\r\n")
    assert headers.split(b"\r\n") == [
        b"HTTP/1.1 503 Service Unavailable",
        b"Content-Type: application/json",
        b"Content-Length: 17",
        b"Cache-Control: no-store",
        b"Connection: close",
    ]
    assert body == PAGE.body


def test_head_is_the_page_without_its_body() -> None:
    answer = server().answer(b"HEAD /readyz HTTP/1.1")
    assert b"Content-Length: 17\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /readyz?verbose=1 HTTP/1.0", b"503 Service Unavailable"),
        ("GET / HTTP/1.1", b"404 Not Found"),
        ("GET /../readyz HTTP/1.1", b"404 Not Found"),
        ("POST /readyz HTTP/1.1", b"405 Method Not Allowed"),
        ("GET /readyz", b"400 Bad Request"),
        ("GET  /readyz HTTP/1.1", b"400 Bad Request"),
        ("GET /readyz SPDY/3", b"400 Bad Request"),
        ("", b"400 Bad Request"),
    ],
)
def test_other_requests_are_answered_by_what_is_wrong_with_them(request_line: str, status: bytes) -> None:
    assert head(request_line) == status


def test_not_found_says_what_there_is() -> None:
    assert server().answer(b"GET / HTTP/1.1").endswith(b"Not Found: here are /readyz\n")


@given(st.binary())
def test_any_bytes_have_an_answer(request: bytes) -> None:
    assert server().answer(request).startswith(b"HTTP/1.1 ")


Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def listening(server: HttpServer) -> AsyncIterator[Connect]:
    address = await server.listen(ANY_PORT)
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
        server.close()


async def got(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes the connection, in whichever way."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def test_a_request_that_comes_in_pieces_is_answered_once_and_the_connection_closed() -> None:
    async def main() -> None:
        async with listening(server()) as connect:
            reader, writer = await connect()
            for piece in (b"GET /rea", b"dyz HTTP/1.1\r\nHost: n1\r\n\r", b"\nGET /readyz HTTP/1.1\r\n\r\n"):
                writer.write(piece)
                await writer.drain()
            answer = await got(reader)
            assert answer.count(b"HTTP/1.1 503") == 1
            assert answer.endswith(PAGE.body)

    asyncio.run(main())


def test_a_head_without_end_is_refused() -> None:
    async def main() -> None:
        async with listening(server()) as connect:
            reader, writer = await connect()
            writer.write(b"GET /readyz HTTP/1.1\r\n".ljust(REQUEST_BYTES_MAX + 1, b"x"))
            assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")

    asyncio.run(main())


def test_the_refusal_of_a_long_head_arrives_while_the_client_still_writes() -> None:
    """A connection closed with bytes unread is reset, and takes the answer with it."""

    async def main() -> None:
        http = server()
        async with listening(http) as connect:
            for _ in range(10):
                reader, writer = await connect()
                writer.write(b"GET /" + bytes(8 << 20))
                await writer.drain()
                assert (await got(reader)).startswith(b"HTTP/1.1 431 ")
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


def test_a_client_that_says_nothing_is_dropped_in_time() -> None:
    async def main() -> None:
        clock = ManualClock()
        http = server(clock)
        async with listening(http) as connect:
            (silent, _), (slow, writer) = await connect(), await connect()
            writer.write(b"\x16\x03\x01")  # a TLS hello, as from a client that was told https
            reader, another = await connect()
            another.write(b"GET /readyz HTTP/1.1\r\n\r\n")
            assert await got(reader)  # so that the two before it were taken as well
            clock.advance(CONNECTION_S)
            assert await got(silent) == await got(slow) == b""
            assert not http.open

    asyncio.run(main())


def test_there_is_a_bound_to_connections_and_room_again_once_one_ends() -> None:
    async def main() -> None:
        async with listening(server()) as connect:
            held = [await connect() for _ in range(CONNECTIONS_MAX)]
            refused, _ = await connect()
            assert await got(refused) == b""
            reader, writer = held[0]
            writer.write(b"GET /readyz HTTP/1.1\r\n\r\n")
            assert (await got(reader)).endswith(PAGE.body)
            reader, writer = await connect()
            writer.write(b"GET /readyz HTTP/1.1\r\n\r\n")
            assert (await got(reader)).endswith(PAGE.body)

    asyncio.run(main())


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = Address(*taken.getsockname())
            with pytest.raises(PortTaken) as caught:
                await server().listen(address)
        assert str(address) in str(caught.value)
        assert "set listen_http" in str(caught.value)

    asyncio.run(main())
