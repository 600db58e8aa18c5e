"""Ostraka's puts, or linearizable gets, beside etcd's, on one machine, both syncing every write to the same disk.

Starts three nodes of each, then runs rounds: first etcd, then Ostraka, each under the same load. Both clusters stay up
throughout and the one that is not under load idles: stopping it would make every round begin with an election, a cold
cache and fresh files, which costs the figures more than the few percent of a core that an idle cluster takes, and
those burden both alike. What the machine does besides differs from minute to minute, so the figure that counts is the
ratio within a round, and of those the median.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import clusters, machine
from bench.figures import Figures
from bench.trial import Trial


@dataclass(frozen=True, slots=True)
class Round:
    etcd: Figures
    ostraka: Figures

    @property
    def ratio(self) -> float:
        """Above 1: Ostraka did more of them a second."""
        return self.ostraka.operations_per_s / self.etcd.operations_per_s

    def row(self) -> str:
        systems = (_cells(self.etcd), _cells(self.ostraka))
        return f"{'   '.join(systems)}   {self.ratio:5.2f}"


HEADER = "        etcd/s   p50 ms   p99 ms   errors      Ostraka/s   p50 ms   p99 ms   errors   ratio"


def compare(directory: Path, rounds: int, trial: Trial) -> list[Round]:
    """Run the rounds, the clusters' data below `directory`; a line of each is printed as it ends, on standard error."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(clusters.running(clusters.etcd(), directory / "etcd"))
        ostraka = stack.enter_context(clusters.running(clusters.ostraka(), directory / "ostraka"))
        done = []
        print(HEADER, file=sys.stderr)
        for _ in range(rounds):
            done.append(Round(etcd.run(trial), ostraka.run(trial)))
            print(done[-1].row(), file=sys.stderr)
    return done


def main() -> None:
    arguments = _parser().parse_args()
    trial = Trial.of(arguments)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="ostraka-bench-") as directory:
        print(f"{trial}\n{machine.describe()}, {machine.file_system(Path(directory))}", file=sys.stderr)
        rounds = compare(Path(directory), arguments.rounds, trial)
    ratio = statistics.median(each.ratio for each in rounds)
    passed = ratio >= arguments.at_least
    if arguments.json:
        print(json.dumps(report(rounds, passed)))
    else:
        print(f"median of the ratios: {ratio:.2f}")
    sys.exit(not passed)


def report(rounds: list[Round], passed: bool) -> dict[str, object]:
    """As a part of the soak (scripts/soak.py), with every round besides."""
    ratios = [round(each.ratio, 2) for each in rounds]
    return {
        "passed": passed,
        "figures": {
            "median ratio": statistics.median(ratios),
            "ratios": ratios,
            "etcd/s": round(statistics.median(each.etcd.operations_per_s for each in rounds)),
            "etcd p99 ms": round(statistics.median(each.etcd.p99_ms for each in rounds), 1),
            "ostraka/s": round(statistics.median(each.ostraka.operations_per_s for each in rounds)),
            "ostraka p99 ms": round(statistics.median(each.ostraka.p99_ms for each in rounds), 1),
        },
        "rounds": [dataclasses.asdict(each) for each in rounds],
    }


def _cells(figures: Figures) -> str:
    return f"{figures.operations_per_s:14,.0f}{figures.p50_ms:9.2f}{figures.p99_ms:9.2f}{figures.errors:9d}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.etcd_compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, default=Path("build"), help="on the disk to measure")
    parser.add_argument("--at-least", type=float, default=0.0, metavar="RATIO", help="fail where the median is below")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    Trial.add_options(parser)
    return parser


if __name__ == "__main__":
    main()
