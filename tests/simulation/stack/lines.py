"""TCP between the hosts of a simulated cluster: bytes arrive in order, or the connection breaks.

What the network does to packets a connection feels as waiting: a lost one is sent again later, and holds up all behind
it; a cut link holds everything back until it is open again, and breaks connections that wait for it too long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import inf
from random import Random
from zlib import crc32

from tests.simulation.faults import Fault
from tests.simulation.network import USUAL_DELAY_S, Conditions, Links
from tests.simulation.recorder import Link
from tests.simulation.stack.process import Process
from tests.simulation.stack.telling import describe
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

RETRANSMISSION_S = (0.2, 0.6)
"""A lost packet is sent again after so long."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes under way, and what their arrival brings about."""

    what: str
    data: bytes
    take: Callable[[bytes], object]

    def __str__(self) -> str:
        return describe(self.what, self.data)


class Line:
    """One direction of a connection."""

    __slots__ = (
        *("_lines", "_name", "arrival", "broken", "free_at", "link", "lost", "patience_s", "receiver"),
        *("under_way", "unsent"),
    )

    def __init__(
        self,
        lines: Lines,
        link: Link,
        receiver: Callable[[], Process | None],
        *,
        patience_s: float,
        lost: Callable[[], object] = lambda: None,
    ) -> None:
        """`receiver`: whom bytes reach that arrive now; where it is nobody, whoever takes them sees to that.
        `lost`: called where nothing got through for `patience_s`."""
        self.link = link
        self.receiver = receiver
        self.patience_s = patience_s
        self.lost = lost
        self.broken = False
        """Nothing arrives any more."""
        self.arrival = 0.0
        """Of the last parcel."""
        self.free_at = 0.0
        """When the last byte has left."""
        self.under_way: deque[tuple[float, Parcel]] = deque()
        """Each with its arrival."""
        self.unsent = 0
        """Bytes that have not arrived."""
        self._lines = lines
        self._name = f"{link[0]} > {link[1]} {lines.number()}"

    def send(self, what: str, data: bytes, take: Callable[[bytes], object]) -> None:
        """`take(data)` happens in the receiver later, or never."""
        if not self.broken:
            self.unsent += len(data)
            self._lines.carry(self, Parcel(what, data, take))

    def arrive(self, timeline: Timeline, trace: Trace) -> None:
        """For `Lines`: the next parcel is there, unless what was due at this moment came sooner."""
        if self.broken or not self.under_way or self.under_way[0][0] > timeline.now:
            return
        _, parcel = self.under_way.popleft()
        self.unsent -= len(parcel.data)
        process = self.receiver()
        trace.note(f"{self._name} {parcel.what} {len(parcel.data)} {crc32(parcel.data):08x}")
        if process is None:
            parcel.take(parcel.data)
        else:
            process.happen(self._name, partial(parcel.take, parcel.data))


class Lines(Links):
    """All connections between hosts, whose addresses are their numbers."""

    def __init__(self, timeline: Timeline, random: Random, trace: Trace) -> None:
        super().__init__(trace)
        self.conditions = Conditions()
        """`loss` and `straggle` hold a connection up; what else there is cannot happen to one."""
        self.bandwidth: float = inf
        """Bytes a second, in each direction of each connection."""
        self._narrow: dict[Line, None] = {}
        """Those on which that counted."""
        self._timeline = timeline
        self._random = random
        self._held: dict[Link, deque[tuple[float, Line, Parcel]]] = {}
        self._numbers = 0
        self._garbled = 0
        self._garbling = random

    def number(self) -> int:
        """For a new line."""
        self._numbers += 1
        return self._numbers

    def carry(self, line: Line, parcel: Parcel) -> None:
        """For `Line`: send it on its way."""
        if self.blocked(line.link):
            self._trace.count("held by a partition")
            self._held.setdefault(line.link, deque()).append((self._timeline.now, line, parcel))
            self._timeline.after(line.patience_s, partial(self._lose_patience, line))
        else:
            self._post(line, parcel)

    def garble(self, parcels: int, random: Random) -> None:
        """Of so many of the next frames between replicas one bit arrives wrong."""
        self._garbled += parcels
        self._garbling = random

    def unblock(self, links: Iterable[Link]) -> None:
        links = tuple(links)
        super().unblock(links)
        for link in links:
            if not self.blocked(link):
                for _, line, parcel in self._held.pop(link, ()):
                    self._post(line, parcel)

    def calm(self) -> None:
        super().calm()
        self.conditions, self.bandwidth, self._garbled = Conditions(), inf, 0
        self.unblock(tuple(self._held))
        self._widen()

    def _widen(self) -> None:
        """What waits for a slow line to take it is sent at once: else the slowness would outlast its end by minutes."""
        for line in self._narrow:
            parcels, line.under_way = line.under_way, deque()
            line.free_at = line.arrival = self._timeline.now
            for _, parcel in parcels:
                self._post(line, parcel)
        self._narrow.clear()

    def _lose_patience(self, line: Line) -> None:
        waiting = (since for since, held, _ in self._held.get(line.link, ()) if held is line)
        oldest = next(waiting, None)
        if oldest is not None and oldest <= self._timeline.now - line.patience_s and not line.broken:
            self._trace.count("connection lost by silence")
            line.lost()

    def _post(self, line: Line, parcel: Parcel) -> None:
        conditions, now = self.conditions, self._timeline.now
        if self._garbled and parcel.what == "frame":
            parcel = self._garble(parcel)
        delay_s = self._random.uniform(*conditions.delay_s)
        if delay_s > USUAL_DELAY_S[1]:
            self._trace.count(Fault.DELAY)
        if conditions.loss and self._random.random() < conditions.loss:
            self._trace.count("stall")
            delay_s += self._random.uniform(*RETRANSMISSION_S)
        if conditions.straggle and self._random.random() < conditions.straggle:
            self._trace.count("stall")
            delay_s += self._random.uniform(0.0, conditions.straggle_s)
        if self.bandwidth < inf:
            self._narrow[line] = None
        line.free_at = max(now, line.free_at) + len(parcel.data) / self.bandwidth
        line.arrival = max(line.free_at + delay_s, line.arrival, self.clogged_until(line.link))
        self._trace.message(*line.link, line.arrival, parcel)
        line.under_way.append((line.arrival, parcel))
        self._timeline.at(line.arrival, partial(line.arrive, self._timeline, self._trace))

    def _garble(self, parcel: Parcel) -> Parcel:
        self._garbled -= 1
        self._trace.count(Fault.MALFORMED)
        data, place = bytearray(parcel.data), self._garbling.randrange(8 * len(parcel.data))
        data[place // 8] ^= 1 << place % 8
        return Parcel(parcel.what, bytes(data), parcel.take)
