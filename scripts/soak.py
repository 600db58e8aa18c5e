"""Everything that Ostraka promises, measured at full size: runs the parts in turn, or those that are named.

A part is a program. Its last line on standard output is a JSON object with `passed` (a boolean) and `figures` (names
and values for the table); whatever else it prints is passed on. A part that fails, dies or prints no such line has
not passed, and the others run all the same. What came of a part is kept in bench/soak/, with the commit that it ran
on, and bench/SOAK.md is written from that anew.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from bench import machine

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "soak"
REPORT = ROOT / "bench" / "SOAK.md"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    must_hold: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: bool
    figures: dict[str, object]
    minutes: float


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome, and of what: kept as JSON."""

    part: str
    commit: str
    date: str
    machine: str
    outcome: Outcome

    @classmethod
    def read(cls, file: Path) -> Result:
        content = json.loads(file.read_text())
        return cls(**{**content, "outcome": Outcome(**content["outcome"])})

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"{self.part}.json").write_text(json.dumps(asdict(self), indent=2) + "\n")


def _e2e(name: str, must_hold: str) -> Part:
    return Part(name, must_hold, (sys.executable, "-m", "tests.e2e", name))


def _etcd(operation: str, callers: int) -> Part:
    options = (f"--operation={operation}", f"--callers={callers}", "--rounds=5", "--at-least=3", "--json")
    command = (sys.executable, "-m", "bench.etcd_compare", *options)
    return Part(f"etcd-{operation}-{callers}", f"{operation}s at {callers} callers: at least 3x etcd's", command)


PARTS = (
    _e2e("kill-leader", "20 times `kill -9` of the leader: nothing lost, linearizable, no gap over 3 s"),
    _e2e("kill-random", "20 times `kill -9` of a random node: nothing lost, linearizable"),
    _e2e("kill-all", "20 times `kill -9` of all nodes at once: nothing lost, linearizable"),
    _e2e("durability", "strace: accepted and acknowledged only what an fdatasync had returned for"),
    _e2e("real-data", "50,000 real records come back bit for bit after `kill -9` of all nodes"),
    _e2e("idle", "idle with 10^4 keys: under 5 % of a core together, under 100 MiB each"),
    _e2e("stop", "leader stopped or replaced under load: no gap over 0.5 s, nothing lost"),
    _e2e("away", "away while 10^5 writes passed and the log was truncated: back by snapshot, p99 under 5x"),
    Part(
        "flips",
        "2,100 times a segment, mark or store of a node rots: recovered, repaired or refused by name, nothing lost",
        (sys.executable, "-m", "tests.simulation.stack.flips", "--cases=2100"),
    ),
    _e2e(
        "overload",
        "20x the sustainable load for 60 s: memory bounded, admitted under 5x as slow, no election, recovered in 5 s",
    ),
    _e2e(
        "many-keys",
        "10^6 keys: under 400 MiB a node, ready in 10 s, 100,000 keys/s scanned at p99 under 5x, puts at 0.7 of 10^4's",
    ),
    _e2e("compaction", "10^6 revisions given up under load: p99 of puts under 5x, their space had again"),
    _e2e("clean-clone", "`make run` and its examples on a clean clone in an empty environment"),
    _e2e("tests", "every end-to-end test, none left out"),
    Part(
        "fuzz",
        "2,000,000 malformed messages, half to every decoder, half to `paxos` step: none crashes, no promise is broken",
        (sys.executable, "-m", "tests.fuzz", "--messages=2000000"),
    ),
    Part(
        "model",
        "2,000,000 operations on the machine and its store give what a naive model gives, through flushes and restarts",
        (sys.executable, "-m", "tests.model", "--operations=2000000"),
    ),
    Part(
        "simulation-protocol",
        "500 cluster-hours of the protocol tier: no invariant breaks, 2 % repeated alike",
        (sys.executable, "-m", "tests.simulation", "--tier=protocol", "--hours=500", "--publish", "--json"),
    ),
    Part(
        "simulation-stack",
        "2,000 whole clusters with SDK clients: no invariant breaks, 2 % repeated alike",
        (sys.executable, "-m", "tests.simulation", "--tier=stack", "--seeds=2000", "--publish", "--json"),
    ),
    Part(
        "mutants",
        "every seeded bug found by a checker named for it, and not noticed by unit tests",
        (sys.executable, "-m", "tests.simulation.mutants", "--publish", "--json"),
    ),
    *(_etcd(operation, callers) for callers in (100, 500) for operation in ("put", "get")),
)


def run(part: Part) -> Outcome:
    """Run one part to its end."""
    print(f"== {part.name}: {part.must_hold}", flush=True)
    began = perf_counter()
    last_line = ""
    with subprocess.Popen(part.command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last_line = line
    passed, figures = judge(process.returncode, last_line)
    return Outcome(passed, figures, round((perf_counter() - began) / 60, 1))


def judge(exit_status: int, last_line: str) -> tuple[bool, dict[str, object]]:
    """Whether a part passed, and its figures, or instead of them what went wrong."""
    try:
        answer = json.loads(last_line)
        passed, figures = answer["passed"], dict(answer["figures"])
    except (ValueError, KeyError, TypeError):
        return False, {"no figures; exit status": exit_status}
    return exit_status == 0 and passed is True, figures


def render(parts: Iterable[Part], results: Mapping[str, Result]) -> str:
    """The report, in Markdown: the last result of each part, by the part's name."""
    lines = [
        "# Soak",
        "",
        "Written by `make soak`; not edited by hand. Each part tells the commit that it ran on.",
        "",
        "| part | must hold | holds | figures | minutes | commit | date |",
        "|---|---|---|---|---:|---|---|",
        *(_row(part, results.get(part.name)) for part in parts),
        "",
        *sorted({result.machine for result in results.values()}),
    ]
    return "\n".join(lines) + "\n"


def _row(part: Part, result: Result | None) -> str:
    cells = [part.name, part.must_hold]
    if result is None:
        cells += ["not run", "", "", "", ""]
    else:
        outcome = result.outcome
        figures = ", ".join(f"{name} {value}" for name, value in outcome.figures.items())
        cells += ["yes" if outcome.passed else "**NO**", figures, f"{outcome.minutes:.1f}", result.commit, result.date]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(part.name for part in PARTS))
    names = parser.parse_args(arguments).parts
    if unknown := set(names) - {part.name for part in PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    commit = _commit()  # before the run: its results are a change
    all_passed = True
    for part in PARTS:
        if not names or part.name in names:
            outcome = run(part)
            all_passed &= outcome.passed
            date = datetime.datetime.now(datetime.UTC).date().isoformat()
            Result(part.name, commit, date, machine.describe(), outcome).write(RESULTS)
            REPORT.write_text(render(PARTS, {file.stem: Result.read(file) for file in RESULTS.glob("*.json")}))
    print(REPORT.read_text())
    sys.exit(not all_passed)


def _commit() -> str:
    """What is measured. Results of other parts, not committed yet, do not make it another."""
    changes = _git("status", "--porcelain", "--", ".", ":!bench/soak", ":!bench/SOAK.md")
    return _git("rev-parse", "--short=12", "HEAD") + "-dirty" * bool(changes)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
