"""The report of a load: gathered second by second, then for people or as JSON."""

from __future__ import annotations

import dataclasses

from bench.figures import HEADER, Figures
from bench.interval import Interval
from bench.workload import Workload


class Report:
    def __init__(self, workload: Workload, machine: str) -> None:
        """`machine`: the shape of the one that the load runs on."""
        self.workload = workload
        self.machine = machine
        self.total = Interval()
        self.timeline: list[Figures] = []
        """Of every second of the measured time; what was answered after it is in `total` only."""

    def add(self, interval: Interval) -> None:
        """The next second, or what was answered after the last one."""
        self.total.add(interval)
        left_s = self.workload.seconds - len(self.timeline)
        if left_s > 0:
            self.timeline.append(_figures(interval, min(1.0, left_s)))

    @property
    def all(self) -> Figures:
        return _figures(self.total, self.workload.seconds)

    @property
    def operations(self) -> dict[str, Figures]:
        """By operation, in the order of the mix."""
        return {
            operation: Figures.of(
                self.total.latencies[operation],
                sum(count for (of, _), count in self.total.errors.items() if of == operation),
                self.workload.seconds,
            )
            for operation in self.workload.mix
        }

    @property
    def errors(self) -> dict[str, int]:
        """By class, the most frequent first."""
        classes = sorted({error for _, error in self.total.errors})
        counts = {name: sum(n for (_, of), n in self.total.errors.items() if of == name) for name in classes}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def lateness(self) -> Figures:
        """How late calls were begun: of an open loop, whose callers were busy or whose process was slow."""
        return Figures.of(self.total.lateness, 0, self.workload.seconds)

    def as_json(self) -> dict[str, object]:
        """Times in milliseconds; `timeline` has a row for each second; `lateness` is of an open loop only."""
        return {
            "workload": dataclasses.asdict(self.workload),
            "machine": self.machine,
            "all": dataclasses.asdict(self.all),
            "operations": {name: dataclasses.asdict(figures) for name, figures in self.operations.items()},
            "errors": self.errors,
            "lateness": dataclasses.asdict(self.lateness) if self.workload.rate_per_s else None,
            "timeline": [dataclasses.asdict(figures) for figures in self.timeline],
        }

    def as_text(self) -> str:
        lines = [self.workload.describe(), self.machine, "", f"{'':10}{HEADER}"]
        rows = {"all": self.all, **self.operations} if len(self.workload.mix) > 1 else self.operations
        lines += [f"{name:10}{figures.cells()}" for name, figures in rows.items()]
        if self.workload.rate_per_s:
            lines.append(f"{'begun late':10}{self.lateness.cells()}")
        if self.errors:
            lines += ["", "errors: " + ", ".join(f"{count:,} {name}" for name, count in self.errors.items())]
        return "\n".join(lines)


def progress(second: int, figures: Figures) -> str:
    """The line that a second of load leaves on a terminal."""
    p99_ms = f"{figures.p99_ms:.2f}" if figures.operations_per_s else "-"
    return f"{second:5d} s {figures.operations_per_s:10,.0f}/s   p99 {p99_ms:>8} ms   errors {figures.errors:,}"


def _figures(interval: Interval, seconds: float) -> Figures:
    return Figures.of(interval.all_latencies(), interval.errors.total(), seconds)
