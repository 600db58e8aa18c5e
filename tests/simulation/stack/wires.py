"""Everything between the processes of a simulated cluster, and what may happen to it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Protocol

from ostraka_server.rpc.frames import FrameReader
from tests.simulation.faults import Fault
from tests.simulation.network import Conditions, Network
from tests.simulation.recorder import Link
from tests.simulation.stack.lines import Lines
from tests.simulation.stack.process import Process
from tests.simulation.stack.sockets import Letter, SimulatedListener
from tests.simulation.stack.streams import ExchangeContext, UnaryContext
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


class Host(Protocol):
    """What is reached at an address."""

    number: int
    process: Process | None
    listener: SimulatedListener | None

    def boundary(self, where: str) -> bool:
        """Whether its process dies at this moment."""

    def overtake(self, source: int, messages: Iterable[bytes]) -> None:
        """Replica messages of another node that did not come by the connection in use; in the process."""

    def start_exchange(self, context: ExchangeContext) -> asyncio.Task[None]:
        """A client opened a stream; in the process."""

    def start_unary(self, method: str, request: bytes, context: UnaryContext) -> asyncio.Task[None]:
        """A client made a unary call; in the process."""


class Breakable(Protocol):
    """A connection, or one end of it."""

    def process_died(self, process: Process, *, silently: bool) -> None: ...
    def host_died(self, number: int) -> None: ...


class Frames(Network[Letter]):
    """Replica messages on top of connections: `shard.seams.Transport` may lose, double and reorder them, so here they
    are. What is in order goes by its connection; what is late or comes again, past it."""

    unheard: frozenset[Link] = frozenset()
    """Links on which messages are lost, though the connection is as good as any."""

    def send(self, source: int, target: int, message: Letter) -> None:
        conditions, link = self.conditions, (source, target)
        rough = conditions.loss or conditions.duplicate or conditions.straggle or self._flickers(link)
        if link in self.unheard and not message.is_hello:
            self._trace.count(Fault.FEW_HEAR)
            self._trace.message(source, target, None, message)
        elif not rough or message.is_hello:
            self._sent.append((link, message))
            message.end.post(message.data)
        else:
            super().send(source, target, message)

    def _post(self, link: Link, message: Letter) -> None:
        if self._happens(self.conditions.straggle):
            self._trace.count(Fault.REORDER)
            self._post_late(link, message)
        else:
            message.end.post(message.data)


class Wires:
    """All of it. Node and client numbers are addresses on it."""

    def __init__(self, timeline: Timeline, random: Random, trace: Trace) -> None:
        self.lines = Lines(timeline, random, trace)
        self.frames = Frames(timeline, random, trace, Conditions(), self._overtake)
        self.hosts: dict[str, Host] = {}
        """By client address, and by name."""
        self._numbered: dict[int, Host] = {}
        self.connections: dict[Breakable, None] = {}
        self._timeline = timeline
        self._trace = trace
        self._calmed = 0

    def add(self, host: Host, *names: str) -> None:
        """Have a host reached by these names."""
        self._numbered[host.number] = host
        self.hosts.update(dict.fromkeys(names, host))

    def cut(self, links: Iterable[Link], seconds: float) -> None:
        """Nothing gets through these links for so long."""
        links, calmed = tuple(links), self._calmed
        self.lines.block(links)
        self._timeline.after(seconds, lambda: self.lines.unblock(links) if self._calmed == calmed else None)

    def calm(self) -> None:
        """Every fault off; what was to end later has ended."""
        self._calmed += 1
        self.frames.unheard = frozenset()
        self.lines.calm()
        self.frames.calm()

    def isolate(self, hosts: Iterable[int], others: Iterable[int], seconds: float) -> None:
        """Cut `hosts` off from `others`, in both directions."""
        others = tuple(others)
        self.cut([link for a in hosts for b in others for link in ((a, b), (b, a))], seconds)

    def break_connections(self, process: Process, *, silently: bool = False) -> None:
        """A process died. The operating system tells those who were connected to it, if it still can."""
        for connection in tuple(self.connections):
            connection.process_died(process, silently=silently)

    def host_died(self, number: int) -> None:
        """Everybody notices that connections to it are dead: it came up again, or had been silent for too long."""
        for connection in tuple(self.connections):
            connection.host_died(number)

    def _overtake(self, source: int, target: int, letter: Letter) -> None:
        host = self._numbered[target]
        if host.process is not None:
            self._trace.note(f"{source} > {target} late frame {len(letter.data)}")
            messages = [message for frame in FrameReader().feed(letter.data) for message in frame.messages]
            host.process.happen(f"late {source}", lambda: host.overtake(source, messages))
