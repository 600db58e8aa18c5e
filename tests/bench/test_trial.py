from __future__ import annotations

import argparse

import pytest

from bench.workload import Figures, Workload


def test_a_workload_survives_the_command_line() -> None:
    workload = Workload(callers=7, seconds=0.5, warm_up_seconds=0.0, value_bytes=1, keys=3)
    parser = argparse.ArgumentParser()
    Workload.add_options(parser)
    assert Workload.of(parser.parse_args(list(workload.options()))) == workload


def test_options_are_those_that_the_go_driver_knows() -> None:
    assert [option.partition("=")[0] for option in Workload().options()] == [
        "--callers", "--seconds", "--warm-up-seconds", "--value-bytes", "--keys",
    ]  # fmt: skip


def test_figures_of_a_hundred_and_one_answers() -> None:
    latencies_ms = [float(i) for i in reversed(range(101))]
    assert Figures.of(latencies_ms, errors=2, seconds=4.0) == Figures(25.25, 2, 50.0, 99.0, 100.0)


def test_a_load_without_an_answer_has_no_figures() -> None:
    with pytest.raises(ValueError, match="3 failed"):
        Figures.of([], errors=3, seconds=1.0)
