from __future__ import annotations

import shlex

import pytest

from bench import options
from bench.workload import Workload


def test_without_options_it_puts_in_a_closed_loop() -> None:
    assert options.parse(None, [])[0] == Workload(mix={"put": 1})


def test_all_of_a_load_can_be_said() -> None:
    said = (
        "--mix put=50,get=40,delete=5,range=5 --callers 1000 --processes 2 --rate 2000 --arrivals fixed --seconds 60 "
        "--warm-up-seconds 0 --timeout 2 --value-bytes 64-4096 --keys 1000000 --zipfian 0.99 --range-keys 10 --seed 3"
    )
    assert options.parse(None, said.split())[0] == Workload(
        mix={"put": 50, "get": 40, "delete": 5, "range": 5},
        callers=1000,
        processes=2,
        rate_per_s=2000,
        arrivals="fixed",
        seconds=60,
        warm_up_seconds=0,
        timeout_s=2,
        value_bytes=(64, 4096),
        keys=1_000_000,
        zipfian=0.99,
        range_keys=10,
        seed=3,
    )


def test_endpoints_are_separated_by_commas() -> None:
    assert options.parse(None, ["--endpoints", "a:1,b:2"])[1].endpoints == ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("--mix put=1,put=2", "put is given twice"),
        ("--mix put,cas", "'cas' is none of put, get, delete, range"),
        ("--mix put=0", "'0' is not above 0"),
        ("--mix put=x", "'x' is not a number"),
        ("--mix put --operation get", "not allowed with"),
        ("--callers 0", "'0' is not above 0"),
        ("--callers 1.5", "'1.5' is not a whole number"),
        ("--seconds nan", "'nan' is not a number of 0 or more"),
        ("--seconds 0", "'0' is not above 0"),
        ("--rate inf", "'inf' is not a number of 0 or more"),
        ("--value-bytes 10-5", "'10-5': the smaller size comes first"),
        ("--value-bytes 5k", "'5k' is not a whole number"),
        ("--endpoints a:1,b", "endpoint 'b' is not of the form host:port"),
        ("--processes 4 --callers 3", "4 processes need at least as many callers; there are 3"),
    ],
)
def test_what_makes_no_sense_is_named(said: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(None, said.split())
    assert answer in capsys.readouterr().err


@pytest.mark.parametrize("line", [line for line in options.EXAMPLES.splitlines() if "bench.load" in line])
def test_the_examples_of_the_help_are_understood(line: str) -> None:
    command = line.partition("bench.load")[2].partition("  ")[0]  # what stands behind two spaces is a remark
    options.parse(None, shlex.split(command))


def test_every_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse("what it does", ["--help"])
    text = capsys.readouterr().out
    assert "what it does" in text
    assert "python -m bench.load --rate" in text
    for default in ("default: 100\n", "default: 10000\n", "default: 5\n", "default: poisson\n", "default: build\n"):
        assert default in text
