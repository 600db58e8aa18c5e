"""What became of a bug: who found it, and whether that counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from tests.simulation.mutants.hunt import Kill, hunt
from tests.simulation.mutants.notice import noticed
from tests.simulation.mutants.registry import MUTANTS, PENDING

GOALS = 24
"""In the table of bugs that a good simulator must kill."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`noticed`: the unit test that fails with it, if there is one. `wall_s` is the real time of the hunt alone."""

    kill: Kill
    noticed: str
    wall_s: float

    @property
    def counts(self) -> bool:
        """A bug is killed that the simulator finds and unit tests do not notice."""
        return self.kill.seed is not None and not self.noticed

    @property
    def text(self) -> str:
        """In a word or two."""
        if self.kill.seed is None:
            return "NOT FOUND"
        return f"{self.noticed} notices it: does not count" if self.noticed else "killed"


def judge(name: str, seeds: Iterable[int]) -> Verdict:
    """Hunt it, and ask the unit tests."""
    began = perf_counter()
    kill = hunt(name, seeds)
    wall_s = perf_counter() - began
    return Verdict(kill, noticed(name, MUTANTS[name].unit_tests), wall_s)


def published(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """As it is stored; no real time, which is each machine's own."""
    return [
        {**asdict(verdict.kill), "number": MUTANTS[verdict.kill.name].number, "verdict": verdict.text}
        for verdict in verdicts
    ]


def render(rows: Iterable[dict[str, Any]]) -> str:
    """The stored rows in Markdown."""
    rows = list(rows)
    killed = sum(row["verdict"] == "killed" for row in rows)
    goals = {row["number"] for row in rows if row["verdict"] == "killed"} - {None}
    lines = [
        f"{killed} of {len(rows)} seeded bugs killed; of the {GOALS} goals {len(goals)}, {len(PENDING)} are pending.",
        "",
        "| goal | bug | verdict | broken | seed | simulated s |",
        "|---:|---|---|---|---:|---:|",
    ]
    for row in rows:
        cells = (row["number"] or "", row["name"], row["verdict"], row["invariant"], row["seed"])
        lines.append(f"| {' | '.join(map(str, cells))} | {row['simulated_s']:,.0f} |")
    return "\n".join(lines)
