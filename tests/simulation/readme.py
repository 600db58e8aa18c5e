"""What the README tells of the simulator is generated: from results that are stored beside this page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.simulation import coverage
from tests.simulation.mutants import score

README = Path(__file__).parent.parent.parent / "README.md"
RESULTS = Path(__file__).parent / "results"
RENDER: dict[str, Callable[[Any], str]] = {"mutants": score.render, "coverage": coverage.render}
"""A block of the README for each: Markdown, of what is stored."""


def publish(name: str, result: Any) -> None:
    """Store a result, and bring its block up to date."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    README.write_text(with_block(README.read_text(), name, block(name)))


def block(name: str) -> str:
    """What the stored result says, in Markdown."""
    return RENDER[name](stored(name))


def stored(name: str) -> Any:
    """The last published result."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def with_block(text: str, name: str, block: str) -> str:
    """The text with another block between the markers of `name`. Raises ValueError where it has none."""
    begin, end = _markers(name)
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"no place for {name}")
    return f"{before}{begin}\n{block}\n{end}{after}"


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
