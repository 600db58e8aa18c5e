"""gRPC between clients and nodes of a simulated cluster: the twin of `ostraka._grpc` and of the server's contexts.

Every message is serialised and parsed, as it would be; HTTP/2 is not there, its order and its ways to end are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import grpc

from ostraka._frames.exchange_pb2 import ExchangeRequest, ExchangeResponse
from ostraka._transport import TransportError
from ostraka.errors import Status, to_wire
from ostraka.v1.exchange_pb2 import Error
from ostraka_server.rpc.parsing import lenient
from tests.simulation.stack.lines import Line
from tests.simulation.stack.process import Process, resolve

if TYPE_CHECKING:
    from tests.simulation.stack.wires import Host, Wires

PATIENCE_S = 7.0
"""As `ostraka._grpc` sets its keepalive: 5 s of silence, 2 s without an answer."""

_parse: Final = lenient(ExchangeRequest.FromString, "ostraka.v1.ExchangeRequest")


def _unavailable(why: str) -> Error:
    return to_wire(Status.UNAVAILABLE, why)


class ClientWire:
    """See `ostraka._transport.Transport`: one process's way to the nodes."""

    def __init__(self, me: int, process: Process, wires: Wires) -> None:
        self._me = me
        self._process = process
        self._wires = wires
        self._open: dict[Connection, None] = {}

    async def open(self, address: str) -> Connection:
        connection = Connection(self._me, self._process, self._wires.hosts[address], self._wires, self._open)
        await connection.connect()
        return connection

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        host, clock, process = self._wires.hosts[address], self._process.clock, self._process
        answer: asyncio.Future[bytes | Error] = asyncio.get_running_loop().create_future()
        back = Line(self._wires.lines, (host.number, self._me), lambda: process, patience_s=PATIENCE_S)
        there = Line(self._wires.lines, (self._me, host.number), lambda: host.process, patience_s=PATIENCE_S)
        context = UnaryContext(host, back, answer, timeout)
        there.send(method, request, lambda data: context.arrive(method, data))
        late = to_wire(Status.DEADLINE_EXCEEDED, f"no answer within {timeout} s")
        timer = clock.call_at(clock.now() + timeout, lambda: resolve(answer, late))
        try:
            result = await answer
        finally:
            timer.cancel()
        if isinstance(result, Error):
            raise TransportError(result)
        return result

    async def close(self) -> None:
        for connection in tuple(self._open):
            connection.close()


class Connection:
    """An Exchange stream, as its client holds it (see `ostraka._transport.Stream`)."""

    def __init__(self, me: int, process: Process, host: Host, wires: Wires, among: dict[Connection, None]) -> None:
        self._process = process
        self._host = host
        self._wires = wires
        self._among = among
        self._inbox: asyncio.Queue[bytes | Error] = asyncio.Queue()
        self._over: Error | None = None
        self._opened = asyncio.Event()
        self._server: ExchangeContext | None = None
        there, back = (me, host.number), (host.number, me)
        self._to = Line(wires.lines, there, lambda: host.process, patience_s=PATIENCE_S, lost=self._lost)
        self._from = Line(wires.lines, back, lambda: process, patience_s=PATIENCE_S, lost=self._lost)

    async def connect(self) -> None:
        """Return once the node has the stream. Raises TransportError."""
        self._wires.connections[self] = None
        self._among[self] = None
        self._to.send("open", b"", lambda _: self._arrive())
        await self._opened.wait()
        self._check()

    async def send(self, frame: bytes) -> None:
        self._check()
        self._to_server("calls", frame, lambda server, data: server.take(data))

    async def receive(self) -> bytes:
        item = await self._inbox.get()
        if isinstance(item, bytes):
            return item
        raise TransportError(item)

    def close(self) -> None:
        if self._over is None and self._process.alive:
            self._end(_unavailable("closed on this side"))
            self._to_server("close", b"", lambda server, _: server.cancel())

    # From the other side

    def reply(self, frame: bytes) -> None:
        """Bytes from the server."""
        if self._over is None:
            self._inbox.put_nowait(frame)

    def server_ended(self, error: Error) -> None:
        """The server's handler is over."""
        self._from.send("end", error.SerializeToString(), lambda _: self._end(error))

    def process_died(self, process: Process, *, silently: bool) -> None:
        """One side may be gone; a machine that lost power does not say so."""
        if process is self._process:
            self._end(_unavailable("died"))
            if not silently:
                self._to_server("reset", b"", lambda server, _: server.cancel())
        elif self._server is not None and self._server.process is process and not silently:
            self._from.send("reset", b"", lambda _: self._end(_unavailable("connection reset by peer")))

    def host_died(self, number: int) -> None:
        """Nobody answers at the other end any more."""
        if number in self._to.link:
            self._lost()

    def to_client(self, what: str, data: bytes) -> None:
        """Bytes for the client."""
        self._from.send(what, data, self.reply)

    def _arrive(self) -> None:
        if self._host.process is None:
            self._from.send("refuse", b"", lambda _: self._end(_unavailable("connection refused")))
            return
        process = self._host.process
        self._to.receiver = lambda: process
        self._server = ExchangeContext(self, self._host)
        self._from.send("opened", b"", lambda _: self._opened.set())

    def _lost(self) -> None:
        """Nothing gets through: either side notices by its keepalive."""
        self._to.broken = self._from.broken = True
        self._end(_unavailable("keepalive: no answer"))
        if self._server is not None:
            self._server.cancel()

    def _end(self, error: Error) -> None:
        if self._over is None:
            del self._wires.connections[self]
            self._among.pop(self, None)
            self._over = error
            self._inbox.put_nowait(error)
            self._opened.set()

    def _check(self) -> None:
        if self._over is not None:
            raise TransportError(self._over)

    def _to_server(self, what: str, data: bytes, act: Callable[[ExchangeContext, bytes], object]) -> None:
        self._to.send(what, data, lambda got: act(self._server, got) if self._server is not None else None)


class Aborted(Exception):
    """What `abort` raises in a handler."""


def _error(code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, bytes]]) -> Error:
    error = Error(code=code.value[0], message=message)
    for _, detail in metadata:
        error.detail.MergeFromString(detail)
    return error


class ExchangeContext:
    """The server's end of a stream: as much of a `grpc.aio.ServicerContext` as the Exchange service uses."""

    def __init__(self, connection: Connection, host: Host) -> None:
        assert host.process is not None
        self.process = host.process
        self._connection = connection
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._error = _unavailable("the stream ended")
        self._task = host.start_exchange(self)
        self._task.add_done_callback(self._ended)

    def take(self, frame: bytes) -> None:
        """Bytes from the client."""
        if self.process.alive:
            self._inbox.put_nowait(_parse(frame))

    def cancel(self) -> None:
        """The client is gone."""
        self._task.cancel()

    async def read(self) -> Any:
        return await self._inbox.get()

    async def write(self, response: ExchangeResponse) -> None:
        if self.process.alive:
            self._connection.to_client("replies", response.SerializeToString())

    async def abort(self, code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, bytes]] = ()) -> None:
        self._error = _error(code, message, metadata)
        raise Aborted

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            error = task.exception()
            if error is not None and not isinstance(error, Aborted):
                raise error
        if self.process.alive:
            self._connection.server_ended(self._error)


class UnaryContext:
    """A unary call: the same, for the services that have unary methods."""

    def __init__(self, host: Host, back: Line, answer: asyncio.Future[bytes | Error], timeout: float) -> None:
        self._host = host
        self._back = back
        self._answer = answer
        self._timeout = timeout

    def arrive(self, method: str, request: bytes) -> None:
        """The request is there."""
        if self._host.process is None:
            self.finish(_unavailable("connection refused"))
        else:
            self._host.start_unary(method, request, self)

    def time_remaining(self) -> float:
        return self._timeout

    async def abort(self, code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, bytes]] = ()) -> None:
        self.finish(_error(code, message, metadata))
        raise Aborted

    def finish(self, result: bytes | Error) -> None:
        """Send the response, or the error."""
        data = result if isinstance(result, bytes) else result.SerializeToString()
        self._back.send("response", data, lambda _: resolve(self._answer, result))
