"""Connections between the replicas of a simulated cluster: the twin of `ostraka_server.rpc.sockets`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ostraka_server.config import Address
from ostraka_server.rpc.frames import FrameReader
from ostraka_server.rpc.sockets import UNACKNOWLEDGED_MAX_MS, Listener
from tests.simulation.stack.lines import Line
from tests.simulation.stack.process import Process, resolve
from tests.simulation.stack.telling import describe

if TYPE_CHECKING:
    from tests.simulation.stack.wires import Host, Wires

P = TypeVar("P", bound=asyncio.Protocol)

PATIENCE_S = UNACKNOWLEDGED_MAX_MS / 1000


class End(asyncio.Transport):
    """One process's end of a connection; made in it."""

    def __init__(
        self,
        wires: Wires,
        process: Process,
        protocol: asyncio.Protocol,
        line: Line,
        boundary: Callable[[str], bool],
    ) -> None:
        """`line`: to the other end. `boundary` tells whether the process dies at the moment named."""
        super().__init__()
        self.process = process
        self.other: End | None = None
        self._wires = wires
        self._protocol = protocol
        self._line = line
        self._boundary = boundary
        self._over = False
        wires.connections[self] = None
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._over or not self.process.alive or self._boundary("before sending"):
            return
        self._wires.frames.send(*self._line.link, Letter(self, bytes(data)))
        self._boundary("after sending")

    def post(self, data: bytes) -> None:
        """Put bytes on the line."""
        self._line.send("frame", data, lambda got: self.other.receive(got) if self.other is not None else None)

    def receive(self, data: bytes) -> None:
        """From the other end."""
        if not self._over:
            self._protocol.data_received(data)

    def get_write_buffer_size(self) -> int:
        return self._line.unsent

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return str(self._line.link[1]) if name == "peername" else default

    def abort(self) -> None:
        if not self._over and self.process.alive:
            self._reset()
            self.end()

    def _reset(self) -> None:
        self._line.send("reset", b"", lambda _: self.other.end() if self.other is not None else None)

    def end(self) -> None:
        """It is over on this side."""
        if not self._over:
            self._over = True
            del self._wires.connections[self]
            if self.process.alive:
                asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def process_died(self, process: Process, *, silently: bool) -> None:
        """The operating system resets the connections of a process that died; a machine that lost power does not."""
        if process is self.process and not self._over:
            if not silently:
                self._reset()
            self.end()

    def host_died(self, number: int) -> None:
        """Nobody answers at the other end any more."""
        if self._line.link[1] == number:
            self.end()


class Letter:
    """A frame of a connection, for the part of the network that may lose, double and delay it."""

    __slots__ = ("data", "end")

    def __init__(self, end: End, data: bytes) -> None:
        self.end = end
        self.data = data

    def __str__(self) -> str:
        return describe("frame", self.data)

    @property
    def is_hello(self) -> bool:
        """Of these a connection must lose none."""
        return any(frame.HasField("hello") for frame in FrameReader().feed(self.data))


class ProcessSockets:
    """See `ostraka_server.rpc.sockets.Sockets`: one process's."""

    def __init__(self, me: Host, process: Process, wires: Wires) -> None:
        self._me = me
        self._process = process
        self._wires = wires

    async def listen(self, make: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        listener = self._me.listener = SimulatedListener(self._me, self._process, make, address)
        return listener

    async def connect(self, make: Callable[[], P], address: Address) -> P:
        host = self._wires.hosts[address.host]
        made: asyncio.Future[P] = asyncio.get_running_loop().create_future()
        attempt = _Attempt(self._wires, self._me, self._process, host, make, made)
        attempt.begin()
        return await made


class SimulatedListener:
    """See `ostraka_server.rpc.sockets.Listener`."""

    def __init__(self, host: Host, process: Process, make: Callable[[], asyncio.Protocol], address: Address) -> None:
        self.address = address
        self.process = process
        self.make = make
        self._host = host

    def close(self) -> None:
        if self._host.listener is self:
            self._host.listener = None


class _Attempt:
    """A connection that is being made."""

    def __init__(
        self,
        wires: Wires,
        me: Host,
        process: Process,
        host: Host,
        make: Callable[[], P],
        made: asyncio.Future[P],
    ) -> None:
        self._wires = wires
        self._process = process
        self._me = me
        self._host = host
        self._make = make
        self._made: asyncio.Future[Any] = made
        there, back = (me.number, host.number), (host.number, me.number)
        self._to = Line(wires.lines, there, lambda: host.process, patience_s=PATIENCE_S, lost=self._lost)
        self._from = Line(wires.lines, back, lambda: process, patience_s=PATIENCE_S, lost=self._lost)
        self._ends: list[End] = []

    def begin(self) -> None:
        self._to.send("connect", b"", lambda _: self._arrive())

    def _arrive(self) -> None:
        listener = self._host.listener
        if listener is None or listener.process is not self._host.process:
            self._from.send("refuse", b"", lambda _: self._fail(ConnectionRefusedError("connection refused")))
            return
        process = listener.process
        self._to.receiver = lambda: process
        theirs = End(self._wires, process, listener.make(), self._from, self._host.boundary)
        self._ends.append(theirs)
        self._from.send("connected", b"", lambda _: self._connected(theirs))

    def _connected(self, theirs: End) -> None:
        ours = End(self._wires, self._process, protocol := self._make(), self._to, self._me.boundary)
        self._ends.append(ours)
        ours.other, theirs.other = theirs, ours
        if self._made.done():  # nobody waits for it any more
            ours.abort()
        resolve(self._made, protocol)

    def _lost(self) -> None:
        """Nothing got through: both ends notice."""
        self._to.broken = self._from.broken = True
        for end in self._ends:
            end.end()
        self._fail(TimeoutError("nothing got through"))

    def _fail(self, error: OSError) -> None:
        if not self._made.done():
            self._made.set_exception(error)
