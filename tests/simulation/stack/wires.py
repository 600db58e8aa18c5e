"""What carries bytes between the processes of a simulated cluster: replica frames, which may be lost and overtaken, and
gRPC calls, whose bytes arrive in order or whose connection breaks.

Links are those of `tests.simulation.network`; everything that arrives goes into the trace, and so into the event hash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from zlib import crc32

import grpc

from ostraka._transport import TransportError
from ostraka.errors import Status, to_wire
from ostraka.v1.exchange_pb2 import Error
from ostraka_server.rpc.frames import FrameReader, encode
from ostraka_server.wire.exchange_pb2 import ExchangeRequest, ExchangeResponse
from ostraka_server.wire.replica_pb2 import Frame
from tests.simulation.network import Conditions, Network
from tests.simulation.stack.process import Process, resolve
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes under way, and who takes them."""

    what: str
    data: bytes
    take: Callable[[], object]


class Host:
    """What is reached at an address: the process that listens there, if it is up."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: Process | None = None

    def take_replica_messages(self, node: int, messages: Sequence[bytes]) -> None:
        """From another node."""
        raise NotImplementedError

    def start_exchange(self, context: ExchangeContext) -> asyncio.Task[None]:
        """A client opened a stream."""
        raise NotImplementedError

    def start_unary(self, method: str, request: bytes, context: UnaryContext) -> asyncio.Task[None]:
        """A client made a unary call."""
        raise NotImplementedError


class Wires:
    """All links between hosts. Node and client numbers are their addresses on it."""

    def __init__(self, timeline: Timeline, random: Random, trace: Trace) -> None:
        self.frames: Network[Parcel] = Network(timeline, random, trace, Conditions(), self._deliver)
        self.streams: Network[Parcel] = Network(timeline, random, trace, Conditions(), self._deliver)
        self.hosts: dict[str, Host] = {}
        """By client address, and by name."""
        self.connections: dict[Connection, None] = {}
        self._timeline = timeline
        self._trace = trace

    def isolate(self, hosts: Iterable[int], others: Iterable[int], seconds: float) -> None:
        """Cut `hosts` off from `others`: frames are lost, bytes of streams wait until it is over."""
        others = tuple(others)
        links = [link for a in hosts for b in others for link in ((a, b), (b, a))]
        self.frames.block(links)
        self._timeline.after(seconds, lambda: self.frames.unblock(links))
        self.streams.clog(links, self._timeline.now + seconds)

    def break_connections(self, process: Process) -> None:
        """A process died: the operating system tells those who were connected to it."""
        for connection in tuple(self.connections):
            connection.process_died(process)

    def _deliver(self, source: int, target: int, parcel: Parcel) -> None:
        self._trace.note(f"{source} > {target} {parcel.what} {len(parcel.data)} {crc32(parcel.data):08x}")
        parcel.take()


class ReplicaWire:
    """See `shard.seams.Transport`: one node's way to the other nodes."""

    def __init__(self, me: int, wires: Wires, hosts: dict[str, Host]) -> None:
        self._me = me
        self._wires = wires
        self._hosts = hosts

    def send(self, node: str, messages: Sequence[bytes]) -> None:
        data, host = encode(Frame(messages=messages)), self._hosts[node]
        self._wires.frames.send(self._me, host.number, Parcel("frame", data, lambda: self._arrive(host, data)))

    def _arrive(self, host: Host, data: bytes) -> None:
        if host.process is not None:
            for frame in FrameReader().feed(data):
                host.process.call(host.take_replica_messages, self._me, frame.messages)


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
        connection = Connection(self._me, self._process, self._wires.hosts[address], self._wires)
        self._open[connection] = None
        await connection.connect()
        return connection

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        host, clock = self._wires.hosts[address], self._process.clock
        answer: asyncio.Future[bytes | Error] = asyncio.get_running_loop().create_future()
        context = UnaryContext(host, self._me, self._wires, answer, timeout)
        self._wires.streams.send(
            self._me, host.number, Parcel(method, request, lambda: context.arrive(method, request))
        )
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
        for connection in self._open:
            connection.close()


class Connection:
    """An Exchange stream, as its client holds it (see `ostraka._transport.Stream`)."""

    def __init__(self, me: int, process: Process, host: Host, wires: Wires) -> None:
        self._me = me
        self._process = process
        self._host = host
        self._wires = wires
        self._inbox: asyncio.Queue[bytes | Error] = asyncio.Queue()
        self._over: Error | None = None
        self._opened = asyncio.Event()
        self._server: ExchangeContext | None = None

    async def connect(self) -> None:
        """Return once the node has the stream. Raises TransportError."""
        self._wires.connections[self] = None
        self._to_host("open", b"", self._arrive)
        await self._opened.wait()
        self._check()

    async def send(self, frame: bytes) -> None:
        self._check()
        self._to_server("calls", frame, lambda server: server.take(frame))

    async def receive(self) -> bytes:
        item = await self._inbox.get()
        if isinstance(item, bytes):
            return item
        raise TransportError(item)

    def close(self) -> None:
        if self._over is None:
            self._end(_unavailable("closed on this side"))
            self._to_server("close", b"", lambda server: server.cancel())

    # From the other side

    def reply(self, frame: bytes) -> None:
        """Bytes from the server."""
        if self._over is None:
            self._inbox.put_nowait(frame)

    def server_ended(self, error: Error) -> None:
        """The server's handler is over."""
        self._to_client("end", error.SerializeToString(), lambda: self._end(error))

    def process_died(self, process: Process) -> None:
        """One side may be gone."""
        if process is self._process:
            self._end(_unavailable("died"))
            self._to_server("reset", b"", lambda server: server.cancel())
        elif self._server is not None and self._server.process is process:
            self._to_client("reset", b"", lambda: self._end(_unavailable("connection reset by peer")))

    def to_client(self, what: str, data: bytes) -> None:
        """Bytes for the client."""
        self._to_client(what, data, lambda: self.reply(data))

    def _arrive(self) -> None:
        if self._host.process is None:
            self._to_client("refuse", b"", lambda: self._end(_unavailable("connection refused")))
            return
        self._server = ExchangeContext(self, self._host)
        self._to_client("opened", b"", self._opened.set)

    def _end(self, error: Error) -> None:
        if self._over is None:
            del self._wires.connections[self]
            self._over = error
            self._inbox.put_nowait(error)
            self._opened.set()

    def _check(self) -> None:
        if self._over is not None:
            raise TransportError(self._over)

    def _to_host(self, what: str, data: bytes, take: Callable[[], object]) -> None:
        self._wires.streams.send(self._me, self._host.number, Parcel(what, data, take))

    def _to_server(self, what: str, data: bytes, act: Callable[[ExchangeContext], object]) -> None:
        self._to_host(what, data, lambda: act(self._server) if self._server is not None else None)

    def _to_client(self, what: str, data: bytes, take: Callable[[], object]) -> None:
        self._wires.streams.send(self._host.number, self._me, Parcel(what, data, take))


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
        self._task = self.process.call(host.start_exchange, self)
        self._task.add_done_callback(self._ended)

    def take(self, frame: bytes) -> None:
        """Bytes from the client."""
        if self.process.alive:
            self._inbox.put_nowait(ExchangeRequest.FromString(frame))

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
            assert error is None or isinstance(error, Aborted), error
        if self.process.alive:
            self._connection.server_ended(self._error)


class UnaryContext:
    """A unary call: the same, for the services that have unary methods."""

    def __init__(
        self, host: Host, client: int, wires: Wires, answer: asyncio.Future[bytes | Error], timeout: float
    ) -> None:
        self._host = host
        self._client = client
        self._wires = wires
        self._answer = answer
        self._timeout = timeout

    def arrive(self, method: str, request: bytes) -> None:
        """The request is there."""
        process = self._host.process
        if process is None:
            self.finish(_unavailable("connection refused"))
        else:
            process.call(self._host.start_unary, method, request, self)

    def time_remaining(self) -> float:
        return self._timeout

    async def abort(self, code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, bytes]] = ()) -> None:
        self.finish(_error(code, message, metadata))
        raise Aborted

    def finish(self, result: bytes | Error) -> None:
        """Send the response, or the error."""
        data = result if isinstance(result, bytes) else result.SerializeToString()
        parcel = Parcel("response", data, lambda: resolve(self._answer, result))
        self._wires.streams.send(self._host.number, self._client, parcel)
