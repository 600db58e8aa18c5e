from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from bench import options
from bench.trial import Trial
from bench.workload import Workload

GO_DRIVER = Path(__file__).parent.parent.parent / "bench" / "etcd" / "load.go"
TRIAL = Trial(operation="get", callers=7, seconds=0.5, warm_up_seconds=0.0, value_bytes=1, keys=3)


def test_a_trial_survives_the_command_line() -> None:
    parser = argparse.ArgumentParser()
    Trial.add_options(parser)
    assert Trial.of(parser.parse_args(list(TRIAL.options()))) == TRIAL


def test_nothing_but_puts_and_gets_can_be_compared() -> None:
    parser = argparse.ArgumentParser()
    Trial.add_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--operation=delete"])


def test_our_load_process_does_what_the_trial_says() -> None:
    workload, _ = options.parse(None, list(TRIAL.options()))
    assert workload == Workload(mix={"get": 1}, callers=7, seconds=0.5, warm_up_seconds=0.0, value_bytes=(1, 1), keys=3)


def test_the_go_driver_knows_every_option() -> None:
    known = set(re.findall(r'flag\.\w+\("([\w-]+)"', GO_DRIVER.read_text()))
    assert {option.partition("=")[0].removeprefix("--") for option in TRIAL.options()} <= known
