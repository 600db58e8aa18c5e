"""What happens to a message: it is lost, late, doubled, overtaken, held back, or comes back from long ago.

Knows neither messages nor replicas. A link is a direction between two addresses; messages on it keep their order unless
`Conditions` say otherwise.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Generic, TypeVar

from tests.simulation.faults import Fault
from tests.simulation.recorder import Link
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

Message = TypeVar("Message")
USUAL_DELAY_S = (0.001, 0.004)
FLICKER_LOSS = 0.6
REMEMBERED = 400
"""Messages that `replay` can bring back."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How every link treats every message. Times in seconds, the others are probabilities."""

    delay_s: tuple[float, float] = USUAL_DELAY_S
    loss: float = 0.0
    duplicate: float = 0.0
    straggle: float = 0.0
    """A straggler is late by up to `straggle_s` and may be overtaken."""
    straggle_s: float = 1.0

    def only(self, faults: frozenset[Fault]) -> Conditions:
        """What remains of these conditions where no other class may fire."""
        return Conditions(
            delay_s=self.delay_s if Fault.DELAY in faults else USUAL_DELAY_S,
            loss=self.loss if Fault.LOSS in faults else 0.0,
            duplicate=self.duplicate if Fault.DUPLICATE in faults else 0.0,
            straggle=self.straggle if Fault.REORDER in faults else 0.0,
            straggle_s=self.straggle_s,
        )


def draw_conditions(random: Random) -> Conditions:
    """Every class at once, from hardly felt to hardly bearable; a plan keeps those that it has."""
    return Conditions(
        delay_s=(USUAL_DELAY_S[0], USUAL_DELAY_S[1] + random.uniform(0.015, 0.15)),
        loss=random.uniform(0.03, 0.3),
        duplicate=random.uniform(0.03, 0.3),
        straggle=random.uniform(0.03, 0.3),
        straggle_s=random.choice((0.1, 1.0, 5.0)),
    )


class Links:
    """Which directions are cut or held up. Cuts count: each `block` needs an `unblock` of its own."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._blocked: Counter[Link] = Counter()
        self._clogged_until: dict[Link, float] = {}
        self._flickers_until: dict[Link, float] = {}

    def blocked(self, link: Link) -> bool:
        """Whether nothing gets through."""
        return self._blocked.get(link, 0) > 0

    def clogged_until(self, link: Link) -> float:
        """Nothing arrives before."""
        return self._clogged_until.get(link, 0.0)

    def block(self, links: Iterable[Link]) -> None:
        """Let nothing through on these links until `unblock`."""
        links = tuple(links)
        self._blocked.update(links)
        self._trace.blocked(links, True)

    def unblock(self, links: Iterable[Link]) -> None:
        """End one `block` of these links."""
        links = tuple(links)
        self._blocked.subtract(links)
        self._trace.blocked(links, False)

    def flicker(self, links: Iterable[Link], until: float) -> None:
        """Lose most of what is sent on these links until then, but not all: what arrives may need what did not."""
        for link in links:
            self._flickers_until[link] = until

    def clog(self, links: Iterable[Link], until: float) -> None:
        """Hold back whatever is sent on these links; at `until` all of it arrives."""
        for link in links:
            self._clogged_until[link] = until

    def calm(self) -> None:
        """Every link open again."""
        self.unblock(self._blocked.elements())
        self._blocked.clear()
        self._clogged_until.clear()
        self._flickers_until.clear()


class Network(Links, Generic[Message]):
    """Carries messages between addresses, under `conditions` that may be replaced at any time. On a blocked link
    they are lost."""

    def __init__(
        self,
        timeline: Timeline,
        random: Random,
        trace: Trace,
        conditions: Conditions,
        deliver: Callable[[int, int, Message], None],
    ) -> None:
        super().__init__(trace)
        self.conditions = conditions
        self._timeline = timeline
        self._random = random
        self._deliver = deliver
        self._last_arrival: dict[Link, float] = {}
        self._sent: deque[tuple[Link, Message]] = deque(maxlen=REMEMBERED)

    def send(self, source: int, target: int, message: Message) -> None:
        """Take a message; `deliver(source, target, message)` follows later, never, or several times."""
        link = (source, target)
        if self.blocked(link):
            self._trace.count("message blocked")
            self._trace.message(source, target, None, message)
            return
        conditions = self.conditions
        if conditions.loss and self._happens(conditions.loss):
            self._trace.count(Fault.LOSS)
            self._trace.message(source, target, None, message)
            return
        if self._flickers_until and self._flickers(link) and self._happens(FLICKER_LOSS):
            self._trace.count(Fault.FLICKER)
            self._trace.message(source, target, None, message)
            return
        self._sent.append((link, message))
        self._post(link, message)
        if conditions.duplicate and self._happens(conditions.duplicate):
            self._trace.count(Fault.DUPLICATE)
            self._post_late(link, message)

    def replay(self, count: int) -> None:
        """Deliver some old messages once more."""
        for link, message in self._random.sample(self._sent, min(count, len(self._sent))):
            self._trace.count(Fault.REPLAY)
            self._post_late(link, message)

    def calm(self) -> None:
        """Every fault off. What is under way still arrives when it would have; nothing new waits behind it."""
        super().calm()
        self.conditions = Conditions()
        self._last_arrival.clear()

    def _flickers(self, link: Link) -> bool:
        return self._timeline.now < self._flickers_until.get(link, 0.0)

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def _post(self, link: Link, message: Message) -> None:
        conditions = self.conditions
        if conditions.straggle and self._happens(conditions.straggle):
            self._trace.count(Fault.REORDER)
            self._post_late(link, message)
            return
        delay_s = self._random.uniform(*conditions.delay_s)
        if delay_s > USUAL_DELAY_S[1]:
            self._trace.count(Fault.DELAY)
        arrival = max(
            self._timeline.now + delay_s,
            self._clogged_until.get(link, 0.0),
            self._last_arrival.get(link, 0.0),
        )
        self._last_arrival[link] = arrival
        self._deliver_at(arrival, link, message)

    def _post_late(self, link: Link, message: Message) -> None:
        late = self._random.uniform(self.conditions.delay_s[0], self.conditions.straggle_s)
        self._deliver_at(self._timeline.now + late, link, message)

    def _deliver_at(self, arrival: float, link: Link, message: Message) -> None:
        source, target = link
        self._trace.message(source, target, arrival, message)
        self._timeline.at(arrival, partial(self._deliver, source, target, message))
