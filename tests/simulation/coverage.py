"""Which fault classes fired, in how many runs, and which of them together: a simulator must not go blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from tests.simulation.faults import Fault


class Coverage:
    """Of a tier whose plans may have `faults`."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (int(fault.number[1:]), fault))
        self.fired: Counter[Fault] = Counter()
        """How often each fired."""
        self.runs: Counter[Fault] = Counter()
        """In how many runs."""
        self.pairs: Counter[tuple[Fault, Fault]] = Counter()
        """In how many runs both fired; in the order of `faults`."""

    def add(self, counts: Mapping[str, int]) -> None:
        """One more run, and what it counted."""
        fired = [fault for fault in self.faults if counts.get(fault)]
        self.fired.update({fault: counts[fault] for fault in fired})
        self.runs.update(fired)
        self.pairs.update(combinations(fired, 2))

    @property
    def never(self) -> list[Fault]:
        """Classes that did not fire."""
        return [fault for fault in self.faults if not self.fired[fault]]

    @property
    def pairs_never(self) -> list[tuple[Fault, Fault]]:
        """Pairs that no run had together."""
        return [pair for pair in combinations(self.faults, 2) if not self.pairs[pair]]

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Goal, class, how often it fired, and in how many runs."""
        return [(fault.number, fault, self.fired[fault], self.runs[fault]) for fault in self.faults]

    def table(self) -> str:
        """For people."""
        lines = [f"  {number:4} {name:22} {fired:>10,} in {runs:>7,} runs" for number, name, fired, runs in self.rows()]
        never = ", ".join(" and ".join(pair) for pair in self.pairs_never[:5])
        lines.append(
            f"  {len(self.pairs)} of {len(self.faults) * (len(self.faults) - 1) // 2} pairs of classes fired together"
            + (f"; never, among others: {never}" if never else "")
        )
        return "\n".join(lines)

    def published(self) -> dict[str, object]:
        """As it is stored."""
        pairs = len(self.faults) * (len(self.faults) - 1) // 2
        return {"classes": self.rows(), "pairs": len(self.pairs), "of pairs": pairs}


def render(tiers: Mapping[str, Any]) -> str:
    """What is stored of each tier in Markdown."""
    lines = []
    for tier, stored in tiers.items():
        lines.append(
            f"The {tier} tier: {stored['seeds']:,} seeds, {stored['cluster-hours']:,.1f} hours simulated, "
            f"{stored['failed']} failed; {stored['pairs']} of {stored['of pairs']} pairs of classes fired together."
        )
        lines += ["", "| goal | fault class | fired | in runs |", "|---|---|---:|---:|"]
        lines += [f"| {goal} | {name} | {fired:,} | {runs:,} |" for goal, name, fired, runs in stored["classes"]]
        lines.append("")
    return "\n".join(lines[:-1])
