from __future__ import annotations

import json

import pytest

from bench.figures import Figures
from bench.histogram import ERROR
from bench.interval import Interval
from bench.report import Report, progress
from bench.workload import Operation, Workload


def second(puts: int, ms: float, errors: dict[tuple[Operation, str], int] | None = None) -> Interval:
    interval = Interval()
    for _ in range(puts):
        interval.latencies["put"].record(ms / 1000)
        interval.lateness.record(0.0005)
    interval.errors.update(errors or {})
    return interval


def _report(rate_per_s: float = 0) -> Report:
    workload = Workload(mix={"put": 3, "get": 1}, seconds=2.5, rate_per_s=rate_per_s)
    report = Report(workload, "a fast machine")
    for interval in (
        second(100, 2.0),
        second(50, 4.0, {("put", "OutcomeUnknown"): 1, ("get", "NoLeader"): 3}),
        second(40, 8.0),
        second(10, 900.0),  # answered after the end
    ):
        report.add(interval)
    return report


def test_the_whole_counts_everything_over_the_measured_time() -> None:
    whole = _report().all
    assert (whole.operations_per_s, whole.errors, whole.max_ms) == (80, 4, 900)
    assert whole.p50_ms == pytest.approx(2.0, rel=ERROR + 1e-9)


def test_the_timeline_ends_with_the_measured_time_and_knows_of_a_part_of_a_second() -> None:
    assert [(row.operations_per_s, row.errors) for row in _report().timeline] == [(100, 0), (50, 4), (80, 0)]


def test_operations_are_told_apart_also_where_none_succeeded() -> None:
    operations = _report().operations
    assert operations["put"].errors == 1
    assert operations["put"].operations_per_s == 80
    assert operations["get"] == Figures(0, 3, 0, 0, 0, 0)


def test_json() -> None:
    answer = json.loads(json.dumps(_report().as_json()))
    assert list(answer) == ["workload", "machine", "all", "operations", "errors", "lateness", "timeline"]
    assert answer["workload"]["mix"] == {"put": 3, "get": 1}
    assert list(answer["all"]) == ["operations_per_s", "errors", "p50_ms", "p99_ms", "p999_ms", "max_ms"]
    assert list(answer["operations"]) == ["put", "get"]
    assert answer["errors"] == {"NoLeader": 3, "OutcomeUnknown": 1}
    assert list(answer["errors"]) == ["NoLeader", "OutcomeUnknown"]  # the most frequent first
    assert answer["lateness"] is None
    assert len(answer["timeline"]) == 3
    assert answer["timeline"][1]["errors"] == 4


def test_lateness_is_of_an_open_loop() -> None:
    lateness = json.loads(json.dumps(_report(rate_per_s=100).as_json()))["lateness"]
    assert lateness["p50_ms"] == pytest.approx(0.5, rel=ERROR + 1e-9)
    assert "begun late" in _report(rate_per_s=100).as_text()
    assert "begun late" not in _report().as_text()


def test_text() -> None:
    lines = _report().as_text().splitlines()
    assert lines[0].startswith("put 75 %, get 25 %; closed loop")
    assert lines[1] == "a fast machine"
    rows = [line.split() for line in lines[4:7]]
    assert [row[0] for row in rows] == ["all", "put", "get"]
    assert rows[0][1] == "80"
    assert rows[2][1:] == ["0", "-", "-", "-", "-", "3"]
    assert lines[-1] == "errors: 3 NoLeader, 1 OutcomeUnknown"


def test_a_single_operation_is_not_told_twice() -> None:
    report = Report(Workload(mix={"put": 1}, seconds=1), "")
    report.add(second(1, 1.0))
    assert [line.split()[0] for line in report.as_text().splitlines()[4:]] == ["put"]


def test_a_line_of_progress() -> None:
    line = progress(12, Figures(15234.4, 1200, 3.0, 8.125, 9.0, 10.0))
    assert line.split() == ["12", "s", "15,234/s", "p99", "8.12", "ms", "errors", "1,200"]


def test_a_line_of_progress_without_an_answer() -> None:
    line = progress(6, Figures(0, 3, 0, 0, 0, 0))
    assert line.split() == ["6", "s", "0/s", "p99", "-", "ms", "errors", "3"]
