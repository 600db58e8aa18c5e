"""A campaign: many seeds, what they amount to, and a sample of them once more."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from tests.simulation.coverage import Coverage
from tests.simulation.subject import Subject
from tests.simulation.tier import Outcome
from tests.simulation.workers import Ran, Task, carry_out_all

SAMPLED_EVERY = 50
"""One run in so many is repeated: 2 %."""


class Summary:
    """What a series of runs adds up to."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.runs = 0
        self.simulated_s = 0.0
        self.cpu_s = 0.0
        self.counts: Counter[str] = Counter()
        self.coverage = Coverage(subject.the_tier.faults)
        self.failed: list[Outcome] = []
        self.repeated = 0
        self.unrepeatable: list[int] = []
        """Seeds whose event hash was another one in another process."""
        self._hash = hashlib.blake2b(digest_size=8)

    def add(self, ran: Ran) -> None:
        """Count one more run; the order matters to `digest`."""
        outcome = ran.outcome
        self.runs += 1
        self.simulated_s += outcome.simulated_s
        self.cpu_s += ran.cpu_s
        self.counts.update(outcome.counts)
        self.coverage.add(outcome.counts)
        self._hash.update(outcome.digest.encode())
        if outcome.failure is not None:
            self.failed.append(outcome)

    @property
    def passed(self) -> bool:
        """No invariant broke, and all that was repeated came out the same."""
        return not self.failed and not self.unrepeatable

    @property
    def digest(self) -> str:
        """One hash over the event hashes of all runs."""
        return self._hash.hexdigest()

    @property
    def hours(self) -> float:
        """Simulated: cluster-hours."""
        return self.simulated_s / 3600

    def figures(self) -> dict[str, object]:
        """For a line of JSON."""
        figures = {
            "seeds": self.runs,
            "cluster-hours": round(self.hours, 2),
            "failed": len(self.failed),
            "repeated": self.repeated,
            "not repeatable": len(self.unrepeatable),
            "times real time a core": round(self.simulated_s / self.cpu_s),
            "classes fired": f"{len(self.coverage.faults) - len(self.coverage.never)}/{len(self.coverage.faults)}",
        }
        return {f"{self.subject.tier} {name}": value for name, value in figures.items()}

    def published(self) -> dict[str, object]:
        """As it is stored for the README."""
        return {
            "seeds": self.runs,
            "cluster-hours": round(self.hours, 1),
            "failed": len(self.failed),
            **self.coverage.published(),
        }

    def text(self, real_s: float) -> str:
        """For people, where it took so long."""
        others = sorted(self.counts.items() - {(fault, self.counts[fault]) for fault in self.coverage.faults})
        events = ", ".join(f"{name} {times:,}" for name, times in others)
        unrepeatable = (
            f"other event hashes in another process: seeds {self.unrepeatable}\n" if self.unrepeatable else ""
        )
        return (
            f"{self.coverage.table()}\n  also: {events}\n{unrepeatable}"
            f"{self.subject.tier}: {self.runs:,} seeds, {len(self.failed)} failed, {self.repeated} repeated; "
            f"{self.hours:.2f} hours simulated in {real_s:.1f} s, "
            f"{self.simulated_s / self.cpu_s:.0f} times real time on each core\n"
            f"event hash {self.digest}"
        )


class Unit(StrEnum):
    """What the size of a campaign is counted in."""

    SEEDS = "seeds"
    HOURS = "cluster-hours"
    CPU_MINUTES = "CPU-minutes"


@dataclass(frozen=True, slots=True)
class Size:
    """When a campaign is over."""

    amount: float
    unit: Unit

    def seeds(self, first: int) -> Iterable[int]:
        """Those to run from `first` on, as long as it is not over."""
        return range(first, first + int(self.amount)) if self.unit is Unit.SEEDS else count(first)

    def done(self, summary: Summary) -> float:
        """How much of the amount is."""
        match self.unit:
            case Unit.SEEDS:
                return summary.runs
            case Unit.HOURS:
                return summary.hours
            case Unit.CPU_MINUTES:
                return summary.cpu_s / 60


def campaign(
    subject: Subject,
    size: Size,
    *,
    first: int = 0,
    processes: int | None = None,
    progress: Callable[[Summary], object] = lambda summary: None,
) -> Summary:
    """Run seeds from `first` on, and a sample of them once more. `progress` is told after each run."""
    summary = Summary(subject)
    sample = dict[int, str]()

    def tasks(seeds: Iterable[int]) -> Iterator[Task]:
        return (Task(subject, seed) for seed in seeds)

    with closing(carry_out_all(tasks(size.seeds(first)), processes, hash_seed=1)) as runs:
        for ran in runs:
            summary.add(ran)
            progress(summary)
            if (summary.runs - 1) % SAMPLED_EVERY == 0:
                sample[ran.outcome.plan.seed] = ran.outcome.digest
            if size.done(summary) >= size.amount:
                break
    for ran in carry_out_all(tasks(sample), processes, hash_seed=2):
        seed = ran.outcome.plan.seed
        summary.repeated += 1
        if ran.outcome.digest != sample[seed]:
            summary.unrepeatable.append(seed)
    return summary
