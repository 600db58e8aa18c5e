"""What a real cluster must hold, at full size: `python -m tests.e2e PART`. These are parts of scripts/soak.py.

The last line printed is a JSON object of `passed` and `figures`. What a part that fails leaves behind is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from tests.e2e.away import comes_back
from tests.e2e.clean_clone import clean_clone
from tests.e2e.compaction import compacts_under_load
from tests.e2e.idle import idle
from tests.e2e.kills import Victims, kill_rounds
from tests.e2e.many_keys import holds_many_keys
from tests.e2e.overload import bear_overload
from tests.e2e.real_data import load_kill_dump
from tests.e2e.stop import stops_and_transfers
from tests.e2e.traced import traced_writes

Figures = dict[str, object]


class Tally:
    """A plugin of pytest: how many tests came to what."""

    def __init__(self) -> None:
        self.figures: dict[str, int] = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.figures[report.outcome] += 1


def _tests(directory: Path) -> Figures:
    """The end-to-end tests. AssertionError where one fails or is left out."""
    tally = Tally()
    status = pytest.main(["-q", "-m", "e2e", f"--basetemp={directory}", str(Path(__file__).parent)], plugins=[tally])
    assert status == pytest.ExitCode.OK
    assert not tally.figures["skipped"], f"{tally.figures['skipped']} tests were left out"
    return {"tests": tally.figures["passed"]}


PARTS: dict[str, Callable[[Path], Figures | Coroutine[object, object, Figures]]] = {
    "kill-leader": lambda directory: kill_rounds(directory, Victims.LEADER, rounds=20),
    "kill-random": lambda directory: kill_rounds(directory, Victims.RANDOM, rounds=20),
    "kill-all": lambda directory: kill_rounds(directory, Victims.ALL, rounds=20),
    "durability": lambda directory: traced_writes(directory, writes=5000),
    "real-data": load_kill_dump,
    "idle": lambda directory: idle(directory, settle_seconds=60, window_seconds=30),
    "stop": lambda directory: stops_and_transfers(directory, rounds=10),
    "away": lambda directory: comes_back(directory, writes=100_000),
    "many-keys": lambda directory: holds_many_keys(directory, keys=1_000_000),
    "compaction": lambda directory: compacts_under_load(directory, revisions=1_000_000),
    "overload": lambda directory: bear_overload(directory, seconds=60),
    "clean-clone": clean_clone,
    "tests": _tests,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    part = parser.parse_args().part
    parent = Path(tempfile.mkdtemp(prefix=f"ostraka-{part}-"))
    try:
        running = PARTS[part](parent / "run")
        figures = asyncio.run(running) if isinstance(running, Coroutine) else running
    except Exception as error:
        traceback.print_exc()
        sys.stderr.write(f"what it left behind is kept in {parent}\n")
        return _tell(False, {"failure": str(error).partition("\n")[0]})
    shutil.rmtree(parent)
    return _tell(True, figures)


def _tell(passed: bool, figures: Figures) -> int:
    sys.stdout.write(json.dumps({"passed": passed, "figures": figures}) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
