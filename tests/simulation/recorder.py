"""What a run tells to whoever wants to see it, besides the event hash: nobody, a terminal, or a space-time diagram.

All that is given are numbers of hosts (replicas, nodes, clients), virtual seconds, and things whose text tells of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

Link = tuple[int, int]
"""(source, target)."""


class State(Enum):
    """What a host may be in for a while."""

    DOWN = "down"
    PAUSED = "paused"
    LEADS = "leads"


class Recorder:
    """Hears everything and keeps nothing. `now` is the moment at which it is told."""

    def event(self, now: float, text: str) -> None:
        """Something that went into the event hash."""

    def message(self, now: float, source: int, target: int, arrives: float | None, what: object) -> None:
        """A message is under way until `arrives`, or lost. Its kind is the first word of its text."""

    def state(self, now: float, host: int, state: State, holds: bool) -> None:
        """A host enters or leaves a state; told twice, it counts once. Who goes down leaves every other state."""

    def blocked(self, now: float, links: Iterable[Link], holds: bool) -> None:
        """A block of these links begins or ends; they may overlap."""

    def struck(self, now: float, number: int, fault: str) -> None:
        """A strike of the plan is carried out."""


class Echo(Recorder):
    """Passes every event on, as a line."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def event(self, now: float, text: str) -> None:
        self._write(f"{now:.6f} {text}\n")
