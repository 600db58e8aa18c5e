"""A page (SVG): what broke and how to run it again, the legend, the diagram, and at its end the violation."""

from __future__ import annotations

import textwrap
from pathlib import Path
from xml.etree.ElementTree import Element

from tests.simulation.diagram import svg
from tests.simulation.diagram.recording import Recording
from tests.simulation.diagram.spacetime import SpaceTime
from tests.simulation.tier import Outcome

STYLE = Path(__file__).with_name("style.css").read_text()
WIDTH_MIN = 700.0
LINE = 17.0
EDGE = 20.0
KIND_WIDTH = 115.0
"""Of an entry in the legend."""
STRIKES_MAX = 3
"""So many are told, the last ones."""


def draw(recording: Recording, outcome: Outcome, command: str) -> str:
    """The document. `command` is told as the line that runs it again."""
    diagram = SpaceTime(recording.view(_end(outcome)), range(1, outcome.plan.members + 1))
    width = max(diagram.width, WIDTH_MIN)
    root = svg.document(STYLE, f"Seed {outcome.plan.seed}")
    paper = svg.add(root, "rect", "paper")
    y = _head(root, outcome, command)
    y = _legend(root, y, diagram, width) + 3 * LINE
    diagram.draw(svg.add(root, "g", "diagram", transform=f"translate(0 {svg.number(y)})"))
    y = _violation(root, y + diagram.height + 6, diagram, outcome, width)
    svg.resize(root, paper, width, y + EDGE)
    return svg.serialize(root)


def _end(outcome: Outcome) -> float:
    """The moment up to which a run is of interest."""
    at = outcome.failure.at if outcome.failure else None
    return outcome.simulated_s if at is None else min(at, outcome.simulated_s)


def _head(root: Element, outcome: Outcome, command: str) -> float:
    """Returns where it ends."""
    broken = f"{outcome.failure.invariant} broken" if outcome.failure else "Nothing broken"
    svg.write(root, EDGE, 30, f"{broken}: seed {outcome.plan.seed} after {_end(outcome):.3f} s", "heading")
    svg.write(root, EDGE, 30 + LINE, command, "command")
    plan = outcome.plan
    strikes = [f"{strike.number} {strike.fault} at {strike.at_s:.2f} s" for strike in plan.strikes[-STRIKES_MAX:]]
    if len(plan.strikes) > STRIKES_MAX:
        strikes.insert(0, "...")
    told = f"Conditions: {', '.join(sorted(plan.lasting)) or 'none'}. Strikes: {', '.join(strikes) or 'none'}."
    svg.write(root, EDGE, 30 + 2 * LINE, told, "small")
    return 30 + 2 * LINE


def _legend(root: Element, y: float, diagram: SpaceTime, width: float) -> float:
    """Returns where it ends."""
    x = width
    for name, css_class in (diagram.kinds | diagram.states).items():
        if x + KIND_WIDTH > width:
            x, y = EDGE, y + LINE
        svg.add(svg.add(root, "g", css_class), "path", d=svg.line(x, y - 4, x + 18, y - 4))
        svg.write(root, x + 23, y, name, "small")
        x += KIND_WIDTH
    return y


def _violation(root: Element, y: float, diagram: SpaceTime, outcome: Outcome, width: float) -> float:
    """Returns where it ends."""
    if outcome.failure is None:
        return y
    told = f"{outcome.failure.invariant}: {outcome.failure.detail.strip().splitlines()[-1]}"
    lines = textwrap.wrap(told, int((width - 2 * EDGE) / 7))
    group = svg.add(root, "g", "violation")
    svg.add(group, "path", "violation-line", d=svg.line(EDGE, y, diagram.right, y))
    box = {"x": EDGE, "y": y + 8, "width": width - 2 * EDGE, "height": LINE * len(lines) + 12, "rx": 4}
    svg.add(group, "rect", "violation-box", **box)
    for place, line in enumerate(lines):
        svg.write(group, EDGE + 12, y + 25 + place * LINE, line, "violation-text")
    if diagram.last_x is not None:
        svg.add(group, "circle", "culprit", cx=diagram.last_x, cy=y, r=9)
    return y + 20 + LINE * len(lines)
