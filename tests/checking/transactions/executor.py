"""Runs random transactions that overlap, at a chosen level of isolation; gives what their callers saw."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ostraka.checking import Outcome
from ostraka.checking.transactions import Append, ReadList, ReadValue, Step, Transaction, Write


class Isolation(Enum):
    """What a transaction sees of others. Its writes always take effect together."""

    STRICT = "everything at one instant"
    STALE = "as STRICT, but what only reads may see any state of the past"
    SNAPSHOT = "reads at one instant, writes at a later one unless their keys have changed meanwhile"
    READ_COMMITTED = "the first read of each key at an instant of its own, writes at one instant"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a history is like."""

    isolation: Isolation = Isolation.STRICT
    lists: bool = True
    """Append and ReadList; else Write and ReadValue."""
    keys: int = 3
    steps: int = 3
    overlap: int = 4
    unknown: float = 0.0
    """Probability that the caller is not told; half of these take effect, at any time after their call."""
    failed: float = 0.0


@dataclass(slots=True)
class _Plan:
    """A transaction under way."""

    call: int
    steps: list[tuple[str, int | None]]
    """A key with the value to write, or None to read it."""
    outcome: Outcome
    commit: float
    takes_effect: bool
    seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """What others had left of each key when it was looked at."""

    @property
    def only_reads(self) -> bool:
        return all(value is None for _, value in self.steps)


def executed(rng: random.Random, count: int, shape: Shape) -> list[Transaction]:
    """A history of `count` transactions, in order of call."""
    calls = sorted(rng.sample(range(10 * count), count))
    plans = [_plan(rng, shape, number, call) for number, call in enumerate(calls)]
    events = [(instant, number, at) for number, plan in enumerate(plans) for at, instant in _instants(rng, shape, plan)]
    states: list[dict[str, tuple[int, ...]]] = [{}]
    revisions: dict[int, int] = {}  # of the values that took effect
    for _, number, at in sorted(events):
        plan = plans[number]
        if at < len(plan.steps):
            stale = shape.isolation is Isolation.STALE and plan.only_reads
            if stale and at == 0:
                past = rng.choice(states)
                plan.seen = {key: past.get(key, ()) for key, _ in plan.steps}
            plan.seen.setdefault(plan.steps[at][0], states[-1].get(plan.steps[at][0], ()))
        elif plan.takes_effect and not (shape.isolation is Isolation.SNAPSHOT and _conflicts(plan, states[-1])):
            writes = [(key, value) for key, value in plan.steps if value is not None]
            state = dict(states[-1])
            for key, value in writes:
                state[key] = (*state.get(key, ()), value)
                revisions[value] = len(states) + 1
            states.append(state)
        elif plan.outcome is Outcome.OK:
            plan.outcome = Outcome.FAILED
    steps = _list_steps if shape.lists else _register_steps
    return _with_processes([_transaction(rng, plan, tuple(steps(plan, revisions))) for plan in plans])


def _plan(rng: random.Random, shape: Shape, number: int, call: int) -> _Plan:
    length = rng.randint(1, shape.steps)
    steps = [(f"k{rng.randrange(shape.keys)}", rng.choice([None, 100 * number + at])) for at in range(length)]
    unknown, failed = rng.random() < shape.unknown, rng.random() < shape.failed
    commit = call + 10 * shape.overlap * (3 if unknown else 1) * rng.random()
    if unknown:
        return _Plan(call, steps, Outcome.UNKNOWN, commit, rng.random() < 0.5)
    return _Plan(call, steps, Outcome.FAILED if failed else Outcome.OK, commit, not failed)


def _instants(rng: random.Random, shape: Shape, plan: _Plan) -> Iterator[tuple[int, float]]:
    """When each step looks at its key, and at last when the plan takes effect."""
    length = len(plan.steps)
    begin = rng.uniform(plan.call, plan.commit)
    for at in range(length):
        if shape.isolation is Isolation.SNAPSHOT:
            yield at, begin
        elif shape.isolation is Isolation.READ_COMMITTED:
            yield at, begin + (plan.commit - begin) * at / length
        else:
            yield at, plan.commit
    yield length, plan.commit


def _conflicts(plan: _Plan, state: dict[str, tuple[int, ...]]) -> bool:
    return any(value is not None and state.get(key, ()) != plan.seen[key] for key, value in plan.steps)


def _list_steps(plan: _Plan, revisions: dict[int, int]) -> Iterator[Step]:
    own: defaultdict[str, list[int]] = defaultdict(list)
    for key, value in plan.steps:
        if value is not None:
            own[key].append(value)
            yield Append(key, value)
        elif plan.outcome is Outcome.OK:
            yield ReadList(key, (*plan.seen[key], *own[key]))


def _register_steps(plan: _Plan, revisions: dict[int, int]) -> Iterator[Step]:
    own: dict[str, int] = {}
    last = {key: value for key, value in plan.steps if value is not None}
    told = plan.outcome is Outcome.OK
    for key, value in plan.steps:
        if value is not None:
            own[key] = value
            yield Write(key, value, revisions[value] if told and last[key] == value else None)
        elif told and key in own:
            yield ReadValue(key, own[key])
        elif told:
            seen = plan.seen[key][-1] if plan.seen[key] else None
            yield ReadValue(key, seen, None if seen is None else revisions[seen])


def _transaction(rng: random.Random, plan: _Plan, steps: tuple[Step, ...]) -> Transaction:
    returned = None if plan.outcome is Outcome.UNKNOWN else plan.commit + rng.random() * 10
    return Transaction(0, plan.call, returned, plan.outcome, steps)


def _with_processes(transactions: list[Transaction]) -> list[Transaction]:
    """The same, each run by the first process that has nothing else under way."""
    busy_until: list[float] = []
    placed = []
    for each in transactions:
        free = [process for process, until in enumerate(busy_until) if until < each.call]
        process = free[0] if free else len(busy_until)
        busy_until[process : process + 1] = [float("inf") if each.returned is None else each.returned]
        placed.append(Transaction(process, each.call, each.returned, each.outcome, each.steps))
    return placed
