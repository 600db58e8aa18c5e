"""The runner tells what broke, and how to see it again."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.__main__ import main
from tests.simulation.mutants.hunt import hunt
from tests.simulation.subject import Subject

SUBJECT = Subject("protocol")
BUGGY = Subject("protocol", "nothing adopted")
BUG = ["--mutant", "nothing adopted"]


@cache
def failing_seed() -> int:
    """One that finds the bug."""
    seed = hunt("nothing adopted", range(100)).seed
    assert seed is not None
    return seed


def test_a_run_without_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "0"]) == 0
    assert capsys.readouterr().out.startswith(f"seed 0: {SUBJECT.run(SUBJECT.draw(0)).digest}, ")


def test_the_trace_is_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seed", "0", "--trace"])
    assert capsys.readouterr().out.count("\n") > SUBJECT.run(SUBJECT.draw(0)).events > 100


def test_a_violation_is_told_with_its_invariant_the_events_before_it_and_the_line_that_repeats_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failed = BUGGY.run(BUGGY.draw(failing_seed()))
    seconds = round(failed.simulated_s + 0.001, 3)
    assert main(["--seed", f"{failed.plan.seed}", *BUG, "--seconds", f"{seconds}", "--diagrams", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "VIOLATION of P5" in told
    assert f"again: make sim SEED={failed.plan.seed} MUTANT='nothing adopted' SECONDS={seconds}\n" in told
    assert f"drawn: {tmp_path / f'protocol-{failed.plan.seed}.svg'}" in told
    assert failed.failure is not None and failed.failure.last_events[-1] in told


def test_a_campaign_shrinks_what_fails_draws_it_and_ends_in_a_line_of_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seed = failing_seed()
    only_that = ["--first", f"{seed}", "--seeds", "1", *BUG, "--diagrams", str(tmp_path)]
    assert main([*only_that, "--processes", "1", "--json"]) == 1
    told = capsys.readouterr().out
    assert re.search(rf"again: make sim SEED={seed} MUTANT='nothing adopted' KEEP=\S+ .*SECONDS=", told)
    assert f"P5 broken: seed {seed}" in (tmp_path / f"protocol-{seed}.svg").read_text()
    answer = json.loads(told.splitlines()[-1])
    assert answer["passed"] is False
    assert answer["figures"]["protocol failed"] == 1


@pytest.mark.parametrize(
    "arguments", [["--trace"], ["--keep", "none"], ["--seed", "1", "--tier", "all"], ["--seeds", "3", "--hours", "1"]]
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
