"""What runs found once stays repaired."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.__main__ import main

pytestmark = pytest.mark.simulation


def arguments(line: str) -> list[str]:
    """Of `python -m tests.simulation`, for variables of `make sim`."""
    variables = (variable.partition("=") for variable in line.partition("#")[0].split())
    return [word for name, _, value in variables for word in (f"--{name.lower()}", value)]


def stored() -> list[str]:
    lines = Path(__file__).with_name("seeds.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_a_stored_run_breaks_nothing() -> None:
    assert [line for line in stored() if main(arguments(line)) != 0] == []


def test_a_line_is_read_as_what_make_would_be_given() -> None:
    assert arguments("TIER=stack SEED=17 KEEP=3,9  # told of a read that it had not confirmed") == [
        "--tier", "stack", "--seed", "17", "--keep", "3,9",
    ]  # fmt: skip
