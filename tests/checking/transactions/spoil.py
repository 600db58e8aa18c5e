"""Histories with one thing about one transaction changed; not always for the worse."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from ostraka.checking import Outcome
from ostraka.checking.transactions import Append, ReadList, ReadValue, Step, Transaction, Write


def spoiled(rng: random.Random, history: Sequence[Transaction]) -> list[Transaction]:
    """The history after one change."""
    at = rng.randrange(len(history))
    change = rng.choice([_other_steps, _other_steps, _other_times, _other_outcome, _other_process])
    return [*history[:at], change(rng, history[at], history), *history[at + 1 :]]


def _other_steps(rng: random.Random, transaction: Transaction, history: Sequence[Transaction]) -> Transaction:
    reads = [at for at, step in enumerate(transaction.steps) if isinstance(step, ReadList | ReadValue)]
    if not reads:
        return transaction
    steps = list(transaction.steps)
    at = rng.choice(reads)
    steps[at] = _other_step(rng, steps[at], [step for each in history for step in each.steps])
    return replace(transaction, steps=tuple(steps))


def _other_step(rng: random.Random, step: Step, steps: Sequence[Step]) -> Step:
    if isinstance(step, ReadList):
        values = [each.value for each in steps if isinstance(each, Append) and each.key == step.key]
        longer = (*step.values, rng.choice(values)) if values else (-1,)
        swapped = tuple(rng.sample(step.values, len(step.values)))
        return replace(step, values=rng.choice([step.values[:-1], step.values[1:], longer, longer, swapped]))
    assert isinstance(step, ReadValue)
    others = [each for each in steps if isinstance(each, Write) and each.key == step.key and each.revision is not None]
    if others and rng.random() < 0.7:
        other = rng.choice(others)
        return replace(step, value=other.value, revision=other.revision)
    if step.revision is None or rng.random() < 0.5:
        return replace(step, value=None, revision=None)
    return replace(step, revision=step.revision + 1)


def _other_times(rng: random.Random, transaction: Transaction, history: Sequence[Transaction]) -> Transaction:
    shift = rng.choice([-40, -15, 15, 40])
    returned = None if transaction.returned is None else transaction.returned + shift
    return replace(transaction, call=transaction.call + shift, returned=returned)


def _other_outcome(rng: random.Random, transaction: Transaction, history: Sequence[Transaction]) -> Transaction:
    writes = tuple(step for step in transaction.steps if isinstance(step, Append | Write))
    bare = tuple(replace(step, revision=None) if isinstance(step, Write) else step for step in writes)
    if rng.random() < 0.5:
        return replace(transaction, steps=bare, outcome=Outcome.UNKNOWN, returned=None)
    return replace(transaction, steps=bare, outcome=Outcome.FAILED, returned=transaction.call + 1)


def _other_process(rng: random.Random, transaction: Transaction, history: Sequence[Transaction]) -> Transaction:
    return replace(transaction, process=rng.choice(history).process)
