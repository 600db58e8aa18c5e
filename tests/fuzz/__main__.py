"""Fuzzing at any size: half of the messages against the decoders, half against `paxos` step.

    python -m tests.fuzz --messages 2000000
    python -m tests.fuzz again 'replica message' 0a0b    one case once more
    python -m tests.fuzz life 1 44 3 17                  one life of a seed, with these of its hostile messages only

The last line is for `scripts/soak.py`.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from tests.fuzz.campaign import Tally, again, attack, endure
from tests.fuzz.lives import TOLD, Life

SLICE = 10_000
"""Cases that a process takes at a time."""


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ("again", name, data):
            again(name, bytes.fromhex(data))
        case ("life", seed, number, *only):
            Life(int(seed), int(number)).run([int(each) for each in only] or None)
        case _:
            parser = argparse.ArgumentParser(
                prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
            )
            parser.add_argument("--messages", type=int, default=20_000)
            parser.add_argument("--seed", type=int, default=1)
            parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
            given = parser.parse_args(arguments)
            return _fuzz(given.seed, given.messages // 2, given.processes)
    return 0


def _fuzz(seed: int, messages: int, processes: int) -> int:
    """As many messages against the decoders and as many against `step`; the exit status."""
    tally = Tally()
    with multiprocessing.Pool(processes, logging.disable) as pool:
        for part in pool.imap_unordered(_run, _parts(seed, messages)):
            tally.add(part)
            sys.stderr.write(f"\r{tally.cases.total()} messages, {len(tally.failures)} failures")
    rows = [f"{count:>9} {name}, {tally.refused[name]} refused" for name, count in sorted(tally.cases.items())]
    figures = {"messages": tally.cases.total(), "kinds": len(rows), "failures": len(tally.failures)}
    told = json.dumps({"passed": not tally.failures, "figures": figures})
    sys.stdout.write("\n".join(("", *rows, *tally.failures.values(), told)) + "\n")
    return 1 if tally.failures else 0


def _parts(seed: int, messages: int) -> Iterator[partial[Tally]]:
    for first in range(0, messages, SLICE):
        last = min(first + SLICE, messages)
        yield partial(attack, seed, range(first, last))
        yield partial(endure, seed, range(first // TOLD, last // TOLD))


def _run(part: partial[Tally]) -> Tally:
    return part()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
