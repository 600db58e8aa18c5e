from __future__ import annotations

import sys

import pytest

from scripts.soak import Outcome, Part, judge, render, run


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


def test_the_report_names_commit_machine_and_failure() -> None:
    outcomes = [Outcome(_part(""), True, {"lost": 0, "rounds": 20}, 1.25), Outcome(_part(""), False, {}, 0.0)]
    report = render(outcomes, "abc123", "2026-01-31", "2 cores")
    assert "Commit abc123, 2026-01-31, 2 cores." in report
    assert "| demo | it holds | yes | lost 0, rounds 20 | 1.2 |" in report
    assert "| demo | it holds | **NO** |" in report
