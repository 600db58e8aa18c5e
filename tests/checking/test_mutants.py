"""The corpus tells every seeded bug of the checkers; `-s` shows which history told which."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from tests.checking.corpus import Specimen, classic, good, judged
from tests.checking.mutants import MUTANTS, Mutant


@cache
def corpus() -> list[Specimen]:
    return [*classic(), *judged(100)]


def test_the_checkers_judge_the_corpus_rightly() -> None:
    assert [each.name for each in corpus() if not each.judged_rightly] == []


@pytest.mark.parametrize("specimens", [list(good(80))], ids=["320 histories"])
def test_good_histories_raise_no_alarm(specimens: list[Specimen]) -> None:
    assert [each.name for each in specimens if not each.judged_rightly] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.module.split('.', 2)[2]}: {mutant.name}")
def test_mutant_is_killed(mutant: Mutant) -> None:
    with mutant.alive():
        killer = next((each.name for each in corpus() if not each.judged_rightly), None)
    assert killer is not None
    sys.stdout.write(f"{mutant.name} ({mutant.module}): killed by {killer}\n")


def test_a_mutant_leaves_nothing_behind() -> None:
    with MUTANTS[0].alive():
        pass
    test_the_checkers_judge_the_corpus_rightly()
