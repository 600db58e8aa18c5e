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

from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

Message = TypeVar("Message")
Link = tuple[int, int]
"""(source, target)."""

USUAL_DELAY_S = (0.001, 0.004)
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


class Network(Generic[Message]):
    """Carries messages between addresses, under `conditions` that may be replaced at any time."""

    def __init__(
        self,
        timeline: Timeline,
        random: Random,
        trace: Trace,
        conditions: Conditions,
        deliver: Callable[[int, int, Message], None],
    ) -> None:
        self.conditions = conditions
        self._timeline = timeline
        self._random = random
        self._trace = trace
        self._deliver = deliver
        self._blocked: Counter[Link] = Counter()
        self._clogged_until: dict[Link, float] = {}
        self._last_arrival: dict[Link, float] = {}
        self._sent: deque[tuple[Link, Message]] = deque(maxlen=REMEMBERED)

    def send(self, source: int, target: int, message: Message) -> None:
        """Take a message; `deliver(source, target, message)` follows later, never, or several times."""
        link = (source, target)
        if self._blocked[link]:
            self._trace.count("message blocked")
            return
        if self._happens(self.conditions.loss):
            self._trace.count("loss")
            return
        self._sent.append((link, message))
        self._post(link, message)
        if self._happens(self.conditions.duplicate):
            self._trace.count("duplicate")
            self._post_late(link, message)

    def block(self, links: Iterable[Link]) -> None:
        """Lose whatever is sent on these links until `unblock`; each block needs its own."""
        self._blocked.update(links)

    def unblock(self, links: Iterable[Link]) -> None:
        """End one `block` of these links."""
        self._blocked.subtract(links)

    def clog(self, links: Iterable[Link], until: float) -> None:
        """Hold back whatever is sent on these links; at `until` all of it arrives."""
        for link in links:
            self._clogged_until[link] = until

    def replay(self, count: int) -> None:
        """Deliver some old messages once more."""
        for link, message in self._random.sample(self._sent, min(count, len(self._sent))):
            self._trace.count("replay")
            self._post_late(link, message)

    def calm(self) -> None:
        """Every fault off. What is under way still arrives when it would have; nothing new waits behind it."""
        self.conditions = Conditions()
        self._blocked.clear()
        self._clogged_until.clear()
        self._last_arrival.clear()

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def _post(self, link: Link, message: Message) -> None:
        if self._happens(self.conditions.straggle):
            self._trace.count("reorder")
            self._post_late(link, message)
            return
        delay_s = self._random.uniform(*self.conditions.delay_s)
        if delay_s > USUAL_DELAY_S[1]:
            self._trace.count("delay")
        arrival = max(
            self._timeline.now + delay_s,
            self._clogged_until.get(link, 0.0),
            self._last_arrival.get(link, 0.0),
        )
        self._last_arrival[link] = arrival
        self._timeline.at(arrival, partial(self._deliver, *link, message))

    def _post_late(self, link: Link, message: Message) -> None:
        late = self._random.uniform(self.conditions.delay_s[0], self.conditions.straggle_s)
        self._timeline.after(late, partial(self._deliver, *link, message))
