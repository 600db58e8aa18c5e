from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.soak import Outcome, Part, Result, judge, render, run


def _part(program: str) -> Part:
    return Part("demo", "it holds", (sys.executable, "-c", program))


def test_a_part_passes_by_its_last_line_and_exit_status() -> None:
    outcome = run(_part("""print("working"); print('{"passed": true, "figures": {"lost": 0}}')"""))
    assert (outcome.passed, outcome.figures) == (True, {"lost": 0})


@pytest.mark.parametrize(
    ("exit_status", "last_line"),
    [
        (1, '{"passed": true, "figures": {}}'),
        (0, '{"passed": false, "figures": {}}'),
        (0, '{"passed": "false", "figures": {}}'),
        (0, '{"passed": true}'),
        (0, "all well"),
        (0, "[]"),
        (-9, ""),
    ],
)
def test_whatever_else_is_a_failure(exit_status: int, last_line: str) -> None:
    passed, _ = judge(exit_status, last_line)
    assert not passed


def test_the_report_tells_of_each_part_what_it_ran_on(tmp_path: Path) -> None:
    parts = [Part(name, "it holds", ()) for name in ("good", "bad", "new")]
    for name, outcome in (("good", Outcome(True, {"lost": 0, "rounds": 20}, 1.25)), ("bad", Outcome(False, {}, 0.0))):
        Result(name, "abc123", "2026-01-31", "2 cores", outcome).write(tmp_path)
    report = render(parts, {file.stem: Result.read(file) for file in tmp_path.iterdir()})
    assert "| good | it holds | yes | lost 0, rounds 20 | 1.2 | abc123 | 2026-01-31 |" in report
    assert "| bad | it holds | **NO** |  | 0.0 | abc123 | 2026-01-31 |" in report
    assert "| new | it holds | not run |" in report
    assert report.endswith("\n2 cores\n")
