"""Checker and definition agree on thousands of small histories, good and bad; large good ones pass."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from ostraka.checking import Operation, check_linearizable
from tests.checking.histories import mutated, simulated
from tests.checking.reference import is_linearizable


@dataclass(frozen=True, slots=True)
class Shape:
    """What a random history is like: see `histories.simulated`."""

    name: str
    told: float
    unknown: float = 0.0
    values: int | None = None

    def history(self, rng: random.Random, operations: int) -> list[Operation]:
        return simulated(rng, operations, told=self.told, unknown=self.unknown, values=self.values)


SHAPES = [
    Shape("revisions", told=1),
    Shape("no revisions", told=0),
    Shape("some revisions", told=0.5),
    Shape("unknown writes", told=1, unknown=0.4),
    Shape("unknown writes, no revisions", told=0, unknown=0.4),
    Shape("unknown writes, some revisions", told=0.5, unknown=0.4),
    Shape("repeated values", told=0.5, unknown=0.4, values=2),
    Shape("repeated values, no revisions", told=0, unknown=0.4, values=2),
]
of_every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@of_every_shape
def test_verdict_is_the_definitions(shape: Shape) -> None:
    rng = random.Random(shape.name)
    verdicts = []
    for _ in range(1000):
        history = shape.history(rng, rng.randrange(2, 7))
        for _ in range(rng.randrange(6)):
            history = mutated(rng, history)
        rng.shuffle(history)
        expected = is_linearizable(history)
        assert check_linearizable(history).ok is expected, history
        verdicts.append(expected)
    # Neither verdict is rare, or the comparison would show little.
    assert min(verdicts.count(True), verdicts.count(False)) > 60


@of_every_shape
def test_every_simulated_history_passes(shape: Shape) -> None:
    rng = random.Random(shape.name)
    for _ in range(20):
        result = check_linearizable(shape.history(rng, 60))
        assert result.ok, str(result)


def test_the_definition_knows_a_simulated_history_is_linearizable() -> None:
    rng = random.Random(1)
    for shape in SHAPES * 20:
        assert is_linearizable(shape.history(rng, 5))
