"""python -m tests.simulation: runs the protocol in the simulator; exit code 1 where an invariant broke."""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from tests.simulation.recorder import Echo
from tests.simulation.swarm import Summary, failure_report, run_seeds
from tests.simulation.tier import Outcome
from tests.simulation.tiers import TIERS

REPORTED_IN_FULL = 3
"""Failures; of further ones only the seed is told."""


def main(arguments: list[str] | None = None) -> int:
    """Runs `--seeds` seeds from `--first` on, or the one of `--seed`."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, default="protocol", help="what to run (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="run this one seed only")
    parser.add_argument("--trace", action="store_true", help="with --seed: print every event")
    parser.add_argument("--verbose", action="store_true", help="print the event hash of every run")
    parser.add_argument("--processes", type=int, help="how many work at a time (default: one a core)")
    options = parser.parse_args(arguments)
    if options.trace and options.seed is None:
        parser.error("--trace needs --seed")

    began = perf_counter()
    if options.seed is not None:
        tier = TIERS[options.tier]
        outcomes = iter([tier.run(tier.draw(options.seed), Echo(sys.stdout.write) if options.trace else None)])
        total = 1
    else:
        outcomes = run_seeds(options.tier, range(options.first, options.first + options.seeds), options.processes)
        total = options.seeds
    summary = Summary()
    for outcome in outcomes:
        summary.add(outcome)
        _tell(outcome, summary, total, options.verbose)
    _conclude(summary, perf_counter() - began)
    return 1 if summary.failed else 0


def _tell(outcome: Outcome, summary: Summary, total: int, verbose: bool) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{summary.runs}/{total} seeds, {len(summary.failed)} failed ")
        sys.stderr.flush()
    if verbose:
        sys.stdout.write(
            f"seed {outcome.plan.seed}: {outcome.digest}, {outcome.events} events, "
            f"{outcome.simulated_s:.1f} s, {outcome.plan.members} members\n"
        )
    if outcome.failure is not None:
        full = len(summary.failed) <= REPORTED_IN_FULL
        line = f"again: make sim SEED={outcome.plan.seed} ({outcome.failure.invariant})\n"
        sys.stdout.write(f"\n{failure_report(outcome)}" if full else line)


def _conclude(summary: Summary, real_s: float) -> None:
    sys.stdout.write(
        f"{summary.table()}\n"
        f"{summary.runs} seeds, {len(summary.failed)} failed; "
        f"{summary.simulated_s / 3600:.2f} simulated hours in {real_s:.1f} s: "
        f"{summary.runs / real_s:.1f} seeds/s, {summary.simulated_s / real_s:.0f} times real time\n"
        f"event hash {summary.digest}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
