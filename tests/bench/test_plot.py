from __future__ import annotations

from pathlib import Path

import pytest

from bench import plot
from bench.report import Report
from bench.workload import Workload
from tests.bench.test_report import second

PNG = b"\x89PNG\r\n\x1a\n"


def _drawn(report: Report, path: Path) -> None:
    plot.write(report, path)
    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("rate_per_s", [0.0, 100.0])
def test_a_load_becomes_a_picture(tmp_path: Path, rate_per_s: float) -> None:
    report = Report(Workload(mix={"put": 1, "get": 1}, seconds=3, rate_per_s=rate_per_s), "a fast machine")
    for interval in (second(200, 2.0), second(0, 0, {("get", "NoLeader"): 7}), second(300, 4.0)):
        report.add(interval)
    _drawn(report, tmp_path / "new" / "load.png")


def test_a_load_in_which_nothing_succeeded_still_does(tmp_path: Path) -> None:
    report = Report(Workload(mix={"put": 1}, seconds=1), "a fast machine")
    report.add(second(0, 0, {("put", "NoLeader"): 1}))
    _drawn(report, tmp_path / "load.png")
