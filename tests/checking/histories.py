"""Short ways to write histories down, and to make random ones."""

from __future__ import annotations

import random
from dataclasses import replace

from ostraka.checking import Kind, Operation, Outcome

KEY = b"k"


def put(
    call: float, returned: float | None, value: bytes, revision: int | None = None, *, key: bytes = KEY
) -> Operation:
    """An acknowledged put; of unknown outcome if `returned` is None."""
    outcome = Outcome.UNKNOWN if returned is None else Outcome.OK
    return Operation(1, call, returned, outcome, Kind.PUT, key, value, revision)


def failed_put(call: float, returned: float, value: bytes) -> Operation:
    return Operation(1, call, returned, Outcome.FAILED, Kind.PUT, KEY, value)


def get(
    call: float, returned: float, value: bytes | None, revision: int | None = None, *, key: bytes = KEY
) -> Operation:
    return Operation(2, call, returned, Outcome.OK, Kind.GET, key, value, revision)


def delete(call: float, returned: float | None, existed: bool | None = None, revision: int | None = None) -> Operation:
    """An acknowledged delete; of unknown outcome if `returned` is None."""
    outcome = Outcome.UNKNOWN if returned is None else Outcome.OK
    return Operation(3, call, returned, outcome, Kind.DELETE, KEY, None, revision, existed)


def simulated(
    rng: random.Random,
    operations: int,
    *,
    values: int | None = None,
    told: float = 1.0,
    unknown: float = 0.0,
    overlap: int = 4,
) -> list[Operation]:
    """A linearizable history of one key: every effect takes place at an instant drawn between call and return.

    Values are numbered, modulo `values` if given. Revisions and `existed` are told with probability `told`. An
    `unknown` write takes effect at any time after its call, or never. About `overlap` operations overlap.
    """
    calls = sorted(rng.sample(range(10 * operations), operations))
    planned = []
    for number, call in enumerate(calls):
        kind = rng.choice([Kind.GET, Kind.GET, Kind.PUT, Kind.PUT, Kind.DELETE])
        value = b"%d" % (number % (values or operations)) if kind is Kind.PUT else None
        lost = kind is not Kind.GET and rng.random() < unknown
        effect = call + rng.random() * 10 * overlap * (3 if lost else 1)
        returned = None if lost else effect + rng.random() * 10
        outcome = Outcome.UNKNOWN if lost else Outcome.OK
        planned.append((effect, Operation(number, call, returned, outcome, kind, KEY, value)))
    rng.shuffle(planned)
    planned.sort(key=lambda item: item[0])
    happening = [op for _, op in planned if op.returned is not None or rng.random() < 0.5]
    never = [op for _, op in planned if op not in happening]
    return sorted([*_answers(rng, happening, told), *never], key=lambda op: op.call)


def _answers(rng: random.Random, happening: list[Operation], told: float) -> list[Operation]:
    """What an atomic register answers to the operations in this order; other keys use up revisions in between."""
    answered = []
    value: bytes | None = None
    revision, changed = 1, 1
    for operation in happening:
        existed = value is not None
        if operation.kind is Kind.PUT or (operation.kind is Kind.DELETE and existed):
            revision += rng.choice([1, 1, 2])
            changed, value = revision, operation.value
        known = changed if rng.random() < told else None
        if operation.outcome is Outcome.UNKNOWN:
            answered.append(operation)
        elif operation.kind is Kind.DELETE:
            tells = existed if known is not None or rng.random() < 0.5 else None
            answered.append(replace(operation, existed=tells, revision=known if tells else None))
        elif operation.kind is Kind.PUT:
            answered.append(replace(operation, revision=known))
        else:
            answered.append(replace(operation, value=value, revision=known if existed else None))
    return answered


def mutated(rng: random.Random, history: list[Operation]) -> list[Operation]:
    """The history with one thing about one operation changed, if there is any to change; not always for the worse."""
    at = rng.randrange(len(history))
    changed = _changes(rng, history[at], rng.choice(history).value)
    return [*history[:at], rng.choice(changed), *history[at + 1 :]] if changed else history


def _changes(rng: random.Random, op: Operation, other: bytes | None) -> list[Operation]:
    """Every change that leaves an operation which can be. `other` is what another one wrote or read."""
    if op.returned is None:
        return []
    shift = rng.choice([-15, 15])
    changed = [replace(op, call=op.call + shift, returned=op.returned + shift)]
    if op.kind is Kind.GET and op.value != other:
        changed.append(replace(op, value=other, revision=op.revision if other else None))
    if op.kind is Kind.PUT:
        changed.append(replace(op, outcome=Outcome.FAILED, revision=None))
    if op.revision is not None:
        changed.append(replace(op, revision=op.revision + rng.choice([-2, -1, 1, 2])))
    if op.existed is not None:
        changed.append(replace(op, existed=not op.existed, revision=None))
    return changed
