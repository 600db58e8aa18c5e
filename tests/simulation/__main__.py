"""Runs clusters through seeded faults; exit code 1 where an invariant broke, or a run could not be repeated."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.simulation import options as command_line
from tests.simulation import readme
from tests.simulation.diagram.page import draw
from tests.simulation.diagram.recording import Recording
from tests.simulation.progress import progress
from tests.simulation.recorder import Echo
from tests.simulation.report import describe
from tests.simulation.shrink import Shrinker
from tests.simulation.subject import Subject
from tests.simulation.swarm import Size, Summary, campaign
from tests.simulation.tier import Outcome

SHRUNK = 2
"""Failures of a campaign; of further ones only the line that repeats them is told."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Of `arguments`, or else of the command line."""
    options = command_line.parse(arguments)
    if options.seed is not None:
        return _run_one(options)
    summaries = [_run_many(Subject(tier, options.mutant), options) for tier in options.tiers]
    passed = all(summary.passed for summary in summaries)
    if options.publish:
        published = {summary.subject.tier: summary.published() for summary in summaries}
        readme.publish("coverage", readme.stored("coverage") | published)
    if options.json:
        figures = {name: value for summary in summaries for name, value in summary.figures().items()}
        _tell(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def _run_one(options: argparse.Namespace) -> int:
    subject = Subject(options.tiers[0], options.mutant)
    plan = options.excerpt.of(subject.draw(options.seed))
    if options.trace:
        subject.run(plan, Echo(sys.stdout.write))
    recording = Recording()
    outcome = subject.run(plan, recording)
    _tell(f"seed {plan.seed}: {outcome.digest}, {outcome.events} events, {outcome.simulated_s:.1f} s simulated")
    if outcome.failure is not None:
        _tell(describe(outcome, subject))
    if outcome.failure is not None or options.diagram:
        _draw(recording, outcome, subject, options.diagrams)
    return 0 if outcome.failure is None else 1


def _run_many(subject: Subject, options: argparse.Namespace) -> Summary:
    size: Size = options.size
    began = perf_counter()
    with progress(subject.tier, size) as tell:
        summary = campaign(subject, size, first=options.first, processes=options.processes, progress=tell)
    for place, outcome in enumerate(summary.failed):
        if place < SHRUNK:
            _explain(outcome, subject, options.diagrams)
        else:
            _tell(f"{outcome.failure.invariant if outcome.failure else ''}: {subject.command(outcome.plan)}")
    _tell(summary.text(perf_counter() - began))
    return summary


def _explain(failed: Outcome, subject: Subject, folder: Path) -> None:
    _tell(f"{subject.command(failed.plan)} fails; shrinking it ...")
    small = Shrinker(subject.run, failed).shrink()
    _tell(describe(small, subject))
    recording = Recording()
    _draw(recording, subject.run(small.plan, recording), subject, folder)


def _draw(recording: Recording, outcome: Outcome, subject: Subject, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{subject.tier}-{outcome.plan.seed}.svg"
    path.write_text(draw(recording, outcome, subject.command(outcome.plan)))
    _tell(f"drawn: {path}")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
