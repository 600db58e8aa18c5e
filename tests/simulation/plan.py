"""What a seed stands for, as far as every tier has it in common: conditions that last, and strikes at given moments.

Strikes are data, drawn with the plan. Each draws what it needs from a stream of its own, so that leaving one out does
not change what the others do: a failing plan can be shrunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from tests.simulation.faults import Fault


@dataclass(frozen=True, slots=True)
class Strike:
    """One sudden fault. `number` is its place in the plan as it was drawn, and stays when others are left out."""

    number: int
    at_s: float
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run, before it starts. Times in virtual seconds. A tier derives its own and adds what only it has.

    Everything but these fields is drawn whether or not it is used, so that a plan of which something was taken away
    is otherwise the same.
    """

    seed: int
    members: int
    duration_s: float
    """How long faults last; then all are healed and liveness is checked."""
    lasting: frozenset[Fault]
    """The conditions that hold all the while."""
    strikes: tuple[Strike, ...]
    """In order of time."""
    load: float = 1.0
    """The share of the drawn load that comes."""

    @property
    def faults(self) -> frozenset[Fault]:
        """Every class that may fire."""
        return self.lasting | {strike.fault for strike in self.strikes}

    def random(self, purpose: str) -> Random:
        """The stream of random numbers for one purpose: a draw more in one does not shift the others."""
        return Random(f"{self.seed} {purpose}")


def draw_faults(random: Random, among: Iterable[Fault], always: frozenset[Fault]) -> frozenset[Fault]:
    """A random subset (swarm testing), and those of `always`: all faults in every run would hide bugs that a few of
    them, undisturbed, bring out."""
    return always | set(random.sample(sorted(among), random.choice((1, 2, 3, 5, 8))))


def draw_strikes(seed: int, faults: Iterable[Fault], mean_interval_s: float, duration_s: float) -> tuple[Strike, ...]:
    """Each class strikes at random moments of its own, on average once in `mean_interval_s`."""
    moments = list[tuple[float, Fault]]()
    for fault in sorted(faults):
        random = Random(f"{seed} {fault}")
        at_s = random.expovariate(1 / mean_interval_s)
        while at_s < duration_s:
            moments.append((at_s, fault))
            at_s += random.expovariate(1 / mean_interval_s)
    return tuple(Strike(number, *moment) for number, moment in enumerate(sorted(moments), 1))
