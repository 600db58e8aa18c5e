"""Looks for a seed that finds a bug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulation.mutants.registry import MUTANTS
from tests.simulation.subject import Subject


@dataclass(frozen=True, slots=True)
class Kill:
    """The first seed whose run broke one of the invariants that the bug must break, or None."""

    name: str
    seed: int | None
    invariant: str
    simulated_s: float
    """In all runs up to that."""
    others: tuple[str, ...]
    """Invariants that broke before, and do not count."""


def hunt(name: str, seeds: Iterable[int]) -> Kill:
    """Try seeds in turn."""
    mutant = MUTANTS[name]
    subject = Subject(mutant.tier, name)
    simulated_s, others = 0.0, list[str]()
    for seed in seeds:
        outcome = subject.run(subject.draw(seed))
        simulated_s += outcome.simulated_s
        if outcome.failure is None:
            continue
        if outcome.failure.invariant in mutant.invariants:
            return Kill(name, seed, outcome.failure.invariant, simulated_s, tuple(others))
        others.append(outcome.failure.invariant)
    return Kill(name, None, "", simulated_s, tuple(others))
