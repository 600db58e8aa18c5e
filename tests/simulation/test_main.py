"""The runner tells what broke, and how to see it again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.simulation.__main__ import main
from tests.simulation.subject import Subject

SUBJECT = Subject("protocol")


def test_a_run_without_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "0"]) == 0
    assert capsys.readouterr().out.startswith(f"seed 0: {SUBJECT.run(SUBJECT.draw(0)).digest}, ")


def test_the_trace_is_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seed", "0", "--trace"])
    assert capsys.readouterr().out.count("\n") > SUBJECT.run(SUBJECT.draw(0)).events > 100


def test_a_violation_is_told_with_its_invariant_the_events_before_it_and_the_line_that_repeats_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--seed", "0", "--mutant", "nothing adopted", "--keep", "2", "--diagrams", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "VIOLATION of P5" in told
    assert "strikes: 1\n" in told
    assert "again: make sim SEED=0 MUTANT='nothing adopted' KEEP=2\n" in told
    assert f"drawn: {tmp_path / 'protocol-0.svg'}" in told
    assert " crashes, 0 records lost\n" in told


def test_a_campaign_shrinks_what_fails_draws_it_and_ends_in_a_line_of_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bug = ["--mutant", "nothing adopted", "--diagrams", str(tmp_path)]
    assert main(["--seeds", "1", *bug, "--processes", "1", "--json"]) == 1
    told = capsys.readouterr().out
    assert re.search(r"again: make sim SEED=0 MUTANT='nothing adopted' KEEP=\d+ SECONDS=", told)
    assert "P5 broken: seed 0" in (tmp_path / "protocol-0.svg").read_text()
    answer = json.loads(told.splitlines()[-1])
    assert answer["passed"] is False
    assert answer["figures"]["protocol failed"] == 1


@pytest.mark.parametrize(
    "arguments", [["--trace"], ["--keep", "none"], ["--seed", "1", "--tier", "all"], ["--seeds", "3", "--hours", "1"]]
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
