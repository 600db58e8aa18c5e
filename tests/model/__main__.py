"""The machine on its store against the model, at any length; or a run of a seed once more, with these of its steps.

python -m tests.model --operations=2000000
python -m tests.model --seed=17 --steps=3,8,21

The last line is for `scripts/soak.py`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator

from tests.model.runs import STEPS, Failure, run, shrunk

FAILURES_MAX = 3
"""Then it ends: each takes time to be made small."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, help="run this one only")
    parser.add_argument("--steps", type=_numbers, default=range(STEPS), metavar="N,...", help="only these of its steps")
    given = parser.parse_args()
    if given.seed is not None:
        failure = run(given.seed, given.steps).failure
        return _tell({"steps": len(given.steps)}, [failure] if failure else [])
    return _campaign(given.operations, given.first, given.processes)


def _campaign(operations: int, first: int, processes: int) -> int:
    met: Counter[str] = Counter()
    runs = 0
    failures: list[Failure] = []
    with multiprocessing.Pool(processes) as pool:
        for outcome in pool.imap(run, _seeds(first, operations)):
            runs += 1
            met += outcome.met
            if outcome.failure:
                failures.append(shrunk(outcome.failure))
            if runs % 100 == 0:
                sys.stderr.write(f"\r{met.total()} operations in {runs} runs, {len(failures)} failures")
            if met.total() >= operations or len(failures) >= FAILURES_MAX:
                break
        pool.terminate()
    for what, times in sorted(met.items()):
        sys.stdout.write(f"{times:>9} {what}\n")
    return _tell({"operations": met.total(), "runs": runs, "failures": len(failures)}, failures)


def _seeds(first: int, operations: int) -> Iterator[int]:
    """More than are needed: a run makes about as many operations as it has steps."""
    yield from range(first, first + 2 * operations // STEPS + 1)


def _tell(figures: dict[str, int], failures: list[Failure]) -> int:
    for failure in failures:
        sys.stdout.write(f"{failure.command}\n{failure.detail}\n")
    sys.stdout.write(json.dumps({"passed": not failures, "figures": figures}) + "\n")
    return 1 if failures else 0


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
