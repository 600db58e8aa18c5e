"""Check and definition agree on thousands of small histories, good and bad."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ostraka.checking import Outcome
from ostraka.checking.transactions import Order, Transaction, Write, check_lists, check_registers
from tests.checking.transactions.executor import Isolation, Shape, executed
from tests.checking.transactions.reference import is_serialisable
from tests.checking.transactions.spoil import spoiled


def _tells_all(history: Sequence[Transaction]) -> bool:
    """Whether every write of a register that took effect surely has its revision told."""
    return all(
        each.outcome is not Outcome.UNKNOWN or sum(isinstance(step, Write) for step in each.steps) <= 1
        for each in history
    )


@pytest.mark.parametrize("lists", [True, False], ids=["lists", "registers"])
@pytest.mark.parametrize("isolation", Isolation, ids=lambda isolation: isolation.name.lower())
def test_verdict_is_the_definitions(isolation: Isolation, lists: bool) -> None:
    rng = random.Random(f"{isolation} {lists}")
    check = check_lists if lists else check_registers
    verdicts = []
    for _ in range(200):
        history = executed(rng, rng.randint(2, 5), Shape(isolation, lists, keys=2, unknown=0.2, failed=0.1))
        for _ in range(rng.randrange(6)):
            history = spoiled(rng, history)
        rng.shuffle(history)
        for order in Order:
            expected = is_serialisable(history, order)
            result = check(history, order)
            assert not (expected and not result.ok), f"false alarm: {result}"
            assert result.ok is expected or not _tells_all(history), history
            verdicts.append(result.ok)
    # Neither verdict is rare, or the comparison would show little.
    assert min(verdicts.count(True), verdicts.count(False)) > 60
