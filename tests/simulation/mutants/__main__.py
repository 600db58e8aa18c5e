"""Puts bugs into the code and looks whether the simulator finds them, and unit tests do not; exit code 1 where not."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation import readme
from tests.simulation.mutants.registry import MUTANTS, PENDING
from tests.simulation.mutants.score import Verdict, judge, published


def main(arguments: Sequence[str] | None = None) -> int:
    """All of them, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", choices=(*MUTANTS, []), metavar="NAME", help="which (default: all)")
    parser.add_argument("--seeds", type=int, default=200, help="tried for each at most (default: %(default)s)")
    parser.add_argument("--processes", type=int, help="how many work at a time (default: one a core)")
    parser.add_argument("--publish", action="store_true", help="write what comes of it into the README")
    parser.add_argument("--json", action="store_true", help="end with a line of JSON: passed, figures")
    options = parser.parse_args(arguments)
    if options.publish and options.names:
        parser.error("--publish needs all of them")

    verdicts = _judge(options.names or list(MUTANTS), range(options.seeds), options.processes)
    killed = sum(verdict.counts for verdict in verdicts)
    _tell(f"{killed} of {len(verdicts)} killed; pending: {', '.join(map(str, PENDING))}")
    if options.publish:
        readme.publish("mutants", published(verdicts))
    passed = killed == len(verdicts)
    if options.json:
        figures = {"killed": f"{killed}/{len(verdicts)}", "goals pending": len(PENDING)}
        _tell(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def _judge(names: Sequence[str], seeds: range, processes: int | None) -> list[Verdict]:
    _tell(f"{'goal':>4}  {'bug':38} {'verdict':10} {'broken':7} {'seed':>4} {'simulated':>10} {'real':>7}")
    context = multiprocessing.get_context("spawn")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("bugs"), TimeElapsedColumn())
    verdicts = []
    with (
        ProcessPoolExecutor(processes or os.cpu_count(), context) as pool,
        Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar,
    ):
        for verdict in bar.track(pool.map(partial(judge, seeds=seeds), names), total=len(names)):
            verdicts.append(verdict)
            kill = verdict.kill
            _tell(
                f"{MUTANTS[kill.name].number or '':>4}  {kill.name:38} {verdict.text:10} {kill.invariant:7} "
                f"{'' if kill.seed is None else kill.seed:>4} {kill.simulated_s:>8,.0f} s {verdict.wall_s:>5.1f} s"
            )
    return verdicts


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
