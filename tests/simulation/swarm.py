"""Many seeds on many cores, and what they amount to. The report of any simulator whose runs end in an `Outcome`."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.tier import Outcome
from tests.simulation.tiers import TIERS


def run_seed(tier: str, seed: int) -> Outcome:
    """The run that a seed stands for."""
    return TIERS[tier].run(TIERS[tier].draw(seed))


def run_seeds(tier: str, seeds: Iterable[int], processes: int | None = None) -> Iterator[Outcome]:
    """Outcomes in the order of the seeds, however many processes (default: one a core) share the work.

    Processes are spawned afresh, each with a string hash of its own where PYTHONHASHSEED is not set: a run that
    depended on it would show as an event hash that differs from call to call.
    """
    with multiprocessing.get_context("spawn").Pool(processes or os.cpu_count()) as pool:
        yield from pool.imap(partial(run_seed, tier), seeds)


@dataclass(slots=True)
class Summary:
    """What a series of runs adds up to."""

    runs: int = 0
    simulated_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)
    _hash: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=8))

    def add(self, outcome: Outcome) -> None:
        """Count one more run; the order matters to `digest`."""
        self.runs += 1
        self.simulated_s += outcome.simulated_s
        self.counts.update(outcome.counts)
        self._hash.update(outcome.digest.encode())
        if outcome.failure is not None:
            self.failed.append(outcome)

    @property
    def digest(self) -> str:
        """One hash over the event hashes of all runs."""
        return self._hash.hexdigest()

    def table(self) -> str:
        """How often each fault class and each event of interest occurred."""
        return "\n".join(f"  {count:>10,}  {name}" for name, count in sorted(self.counts.items()))


def failure_report(outcome: Outcome) -> str:
    """What broke, what happened before, and the line that makes it happen again."""
    assert outcome.failure is not None
    plan, failure = outcome.plan, outcome.failure
    faults = ", ".join(sorted(plan.faults)) or "none"
    return (
        f"last events of seed {plan.seed}:\n{''.join(failure.last_events)}"
        f"VIOLATION of {failure.invariant} after {outcome.simulated_s:.3f} s: {failure.detail}\n"
        f"{plan.members} members, {len(plan.strikes)} strikes, faults: {faults}\n"
        f"again: make sim SEED={plan.seed}\n"
    )
