"""The diagram itself: hosts as lines, time downwards, messages as arrows. Drawn from the back to the front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tests.simulation.diagram import svg
from tests.simulation.diagram.layout import Axis, Lanes
from tests.simulation.diagram.links import describe
from tests.simulation.diagram.recording import Arrow, Block, HostSpan, Note, View
from tests.simulation.recorder import State

LEFT, APART, RIGHT = 260.0, 170.0, 130.0
TICK_X = 62.0
TICKS_APART = 40.0
MARGIN = 25.0
"""By which shades and dotted lines reach beyond the outer hosts."""
COLOURS = 10
"""Of kinds; the rarest share the last."""


class SpaceTime:
    """Its height 0 is where `view` begins; the hosts' numbers stand above."""

    def __init__(self, view: View, members: Sequence[int]) -> None:
        hosts = {*members, *(host for arrow in view.arrows for host in (arrow.source, arrow.target))}
        kinds = Counter(arrow.kind for arrow in view.arrows).most_common()
        self.kinds = {kind: f"arrow kind{min(place, COLOURS - 1)}" for place, (kind, _) in enumerate(kinds)}
        """The class of each kind of message, the most frequent first."""
        states = {span.state.value for span in view.spans if span.state is not State.DOWN}
        self.states = {state: state for state in sorted(states)}
        """The class of each state that hosts are in, as drawn on their lines."""
        self._view = view
        self._members = members
        self._lanes = Lanes(hosts, LEFT, APART)
        self._axis = Axis(view.moments)
        self._taken = dict[float, float]()

    @property
    def width(self) -> float:
        return self._lanes.right + RIGHT

    @property
    def height(self) -> float:
        return self._axis.end

    @property
    def right(self) -> float:
        """Where horizontal lines end."""
        return self._lanes.right + MARGIN

    @property
    def last_x(self) -> float | None:
        """Of the host where the last thing happened."""
        hosts = [note.host for note in self._view.notes if note.host in self._lanes.hosts]
        return self._lanes.x(hosts[-1]) if hosts else None

    def draw(self, page: Element) -> None:
        """Add everything to an element."""
        self._draw_ticks(page)
        for block in self._view.blocks:
            self._draw_block(page, block)
        for host in self._lanes.hosts:
            self._draw_host(page, host)
        for span in self._view.spans:
            self._draw_state(page, span)
        for arrow in self._view.arrows:
            self._draw_arrow(page, arrow)
        for note in self._view.notes:
            self._draw_note(page, note)

    def _free(self, column: float, y: float) -> float:
        """As far down as `y`, or further where a text of the same column stands."""
        self._taken[column] = max(y, self._taken.get(column, 0.0) + 12)
        return self._taken[column]

    def _draw_ticks(self, page: Element) -> None:
        for moment, y in self._axis.ticks(TICKS_APART):
            svg.add(page, "path", "grid", d=svg.line(TICK_X + 8, y, self.right, y))
            svg.write(page, TICK_X, y + 4, f"{moment:.3f} s", "tick")

    def _draw_block(self, page: Element, block: Block) -> None:
        top, bottom = self._axis.height(block.begin), self._axis.height(block.end)
        left, right = self._lanes.left - MARGIN, self.right
        text = describe(block.links, self._members)
        group = svg.add(page, "g")
        svg.explain(group, f"{text} {_duration(block)}")
        svg.add(group, "rect", "block", x=left, y=top, width=right - left, height=bottom - top)
        for y in (top, bottom) if block.end <= self._view.end else (top,):
            svg.add(group, "path", "block-edge", d=svg.line(left, y, right, y))
        svg.write(group, right + 4, self._free(right, top + 4), text, "block-text")

    def _draw_host(self, page: Element, host: int) -> None:
        """Its line, with gaps while it was down."""
        x, y = self._lanes.x(host), 0.0
        svg.write(page, x, -12, str(host), "host")
        for span in self._view.spans:
            if span.host == host and span.state is State.DOWN:
                svg.add(page, "path", "up", d=svg.line(x, y, x, self._axis.height(span.begin)))
                y = self._axis.height(span.end)
        svg.add(page, "path", "up", d=svg.line(x, y, x, self.height))

    def _draw_state(self, page: Element, span: HostSpan) -> None:
        x, top, bottom = self._lanes.x(span.host), self._axis.height(span.begin), self._axis.height(span.end)
        group = svg.add(page, "g")
        svg.explain(group, f"{span.host} {span.state.value} {_duration(span)}")
        if span.state is not State.DOWN:
            svg.add(group, "path", span.state.value, d=svg.line(x, top, x, bottom))
        if span.state is not State.LEADS and span.begin >= self._view.begin:
            svg.write(group, x + 10, top + 4, span.state.value, "small")
        if span.state is State.DOWN and span.begin >= self._view.begin:
            svg.add(group, "path", "crash", d=svg.cross(x, top, 6))
        if span.state is State.DOWN and span.end <= self._view.end:
            svg.add(group, "circle", "start", cx=x, cy=bottom, r=4.5)

    def _draw_arrow(self, page: Element, arrow: Arrow) -> None:
        x1, y1, x2 = self._lanes.x(arrow.source), self._axis.height(arrow.sent), self._lanes.x(arrow.target)
        group = svg.add(page, "g", self.kinds[arrow.kind])
        arrives = "lost" if arrow.arrives is None else f"arrives {arrow.arrives:.4f} s"
        svg.explain(group, f"{arrow.source} to {arrow.target}, sent {arrow.sent:.4f} s, {arrives}\n{arrow.what}")
        if arrow.arrives is None:
            x, y = x1 + 0.45 * (x2 - x1), y1 + 8
            svg.add(group, "path", "lost", d=f"{svg.line(x1, y1, x, y)} {svg.cross(x, y, 4)}")
        elif arrow.arrives > self._view.end:
            share = (self._view.end - arrow.sent) / (arrow.arrives - arrow.sent)
            svg.add(group, "path", "under-way", d=svg.line(x1, y1, x1 + share * (x2 - x1), self.height))
        else:
            y2 = self._axis.height(arrow.arrives)
            svg.add(group, "path", d=f"{svg.line(x1, y1, x2, y2)} {svg.arrow_head(x1, y1, x2, y2)}")

    def _draw_note(self, page: Element, note: Note) -> None:
        y = self._axis.height(note.at)
        if note.host == 0:
            svg.add(page, "path", "strike-line", d=svg.line(TICK_X + 8, y, self.right, y))
            svg.write(page, self._lanes.left - MARGIN - 4, self._free(LEFT, y - 3), note.text, "strike")
        elif note.host in self._lanes.hosts:
            dot = svg.add(page, "circle", "deed", cx=self._lanes.x(note.host), cy=y, r=2.5)
            svg.explain(dot, f"{note.at:.4f} s: {note.host} {note.text}")


def _duration(span: HostSpan | Block) -> str:
    return f"from {span.begin:.3f} s" + ("" if span.end == float("inf") else f" to {span.end:.3f} s")
