"""What a diagram shows of a run: its last messages, and whatever else happened meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from tests.simulation.recorder import Link, Recorder, State

DEED = re.compile(r"n?(\d+) (?!from\b|timer\b)([a-z].*)")
"""An event of a host begins with its number or name; arrivals are known from the messages."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message; `arrives` is None where it was lost."""

    sent: float
    source: int
    target: int
    arrives: float | None
    what: object

    @property
    def kind(self) -> str:
        """The first word of its text."""
        match = re.match(r"\w+", str(self.what))
        return match[0] if match else ""


@dataclass(slots=True)
class HostSpan:
    """A host in a state. Of this and of a block, `end` is infinite while it lasts."""

    host: int
    state: State
    begin: float
    end: float = inf


@dataclass(slots=True)
class Block:
    """Links that lose everything."""

    links: tuple[Link, ...]
    begin: float
    end: float = inf


@dataclass(frozen=True, slots=True)
class Note:
    """Something at a moment: of a host, or (0) of the run."""

    at: float
    host: int
    text: str


class Recording(Recorder):
    """Keeps everything: which moment is of interest is known at the end. Of it `messages_max` messages are shown."""

    def __init__(self, messages_max: int = 100) -> None:
        self.arrows: list[Arrow] = []
        self.notes: list[Note] = []
        self.spans: list[HostSpan] = []
        self.blocks: list[Block] = []
        self._messages_max = messages_max

    def event(self, now: float, text: str) -> None:
        deed = DEED.fullmatch(text)
        if deed:
            self.notes.append(Note(now, int(deed[1]), deed[2]))

    def message(self, now: float, source: int, target: int, arrives: float | None, what: object) -> None:
        self.arrows.append(Arrow(now, source, target, arrives, what))

    def state(self, now: float, host: int, state: State, holds: bool) -> None:
        begun = [span for span in self.spans if span.host == host and span.end == inf]
        same = [span for span in begun if span.state is state]
        if not holds or state is State.DOWN:
            for span in begun if holds else same:
                span.end = now
        if holds and (state is State.DOWN or not same):
            self.spans.append(HostSpan(host, state, now))

    def blocked(self, now: float, links: Iterable[Link], holds: bool) -> None:
        links = tuple(links)
        if holds:
            self.blocks.append(Block(links, now))
            return
        open_ = [block for block in self.blocks if block.end == inf]
        same = [block for block in open_ if block.links == links]
        for block in same[:1] or [block for block in open_ if set(block.links) <= set(links)]:
            block.end = now

    def struck(self, now: float, number: int, fault: str) -> None:
        self.notes.append(Note(now, 0, f"strike {number}: {fault}"))

    def view(self, end: float) -> View:
        """What happened up to `end`, from the first of the last messages before it."""
        arrows = [arrow for arrow in self.arrows if arrow.sent <= end][-self._messages_max :]
        begin = arrows[0].sent if arrows else 0.0
        return View(
            begin,
            end,
            tuple(arrows),
            tuple(note for note in self.notes if begin <= note.at <= end),
            tuple(span for span in self.spans if span.begin <= end and span.end > begin),
            tuple(block for block in self.blocks if block.begin <= end and block.end > begin),
        )


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn. Spans and blocks may have begun before it."""

    begin: float
    end: float
    arrows: tuple[Arrow, ...]
    notes: tuple[Note, ...]
    spans: tuple[HostSpan, ...]
    blocks: tuple[Block, ...]

    @property
    def moments(self) -> set[float]:
        """Whenever something happens in it."""
        of_arrows = {at for arrow in self.arrows for at in (arrow.sent, arrow.arrives) if at is not None}
        of_spans = {at for span in self.spans for at in (span.begin, span.end)}
        of_blocks = {at for block in self.blocks for at in (block.begin, block.end)}
        every = {self.begin, self.end, *(note.at for note in self.notes), *of_arrows, *of_spans, *of_blocks}
        return {at for at in every if self.begin <= at <= self.end}
