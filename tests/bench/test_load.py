from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import load, processes
from bench.interval import Interval
from bench.report import Report
from bench.workload import Workload
from tests.bench.test_report import second

ROOT = Path(__file__).parent.parent.parent


def _measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, terminal: bool) -> str:
    report = Report(Workload(mix={"put": 1}, seconds=2), "")
    intervals: list[Interval] = [second(10, 1.0), second(20, 3.0), second(1, 1.0)]
    monkeypatch.setattr(processes, "run", lambda endpoints, workload, *, filling: iter(intervals))
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    load.measure(["127.0.0.1:7401"], report, filling=False)
    assert report.total.latencies["put"].count == 31
    return capsys.readouterr().err


def test_a_terminal_gets_a_line_for_each_second_of_the_measured_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _measured(monkeypatch, capsys, terminal=True).splitlines()
    assert [line.split()[:3] for line in lines] == [["1", "s", "10/s"], ["2", "s", "20/s"]]


def test_what_is_no_terminal_gets_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _measured(monkeypatch, capsys, terminal=False) == ""


@pytest.mark.e2e
def test_a_load_by_two_processes_on_a_cluster_of_its_own(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "bench.load", "--json", f"--directory={tmp_path}", "--mix=put=4,get=4,delete=1,range=1",
        "--processes=2", "--callers=8", "--seconds=1", "--warm-up-seconds=0", "--keys=50", "--zipfian=0.9",
    ]  # fmt: skip
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["errors"] == {}
    assert set(report["operations"]) == {"put", "get", "delete", "range"}
    assert all(figures["operations_per_s"] > 0 for figures in report["operations"].values())
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
