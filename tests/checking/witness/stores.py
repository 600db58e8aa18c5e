"""A store in miniature that serves overlapping calls: what its callers saw, and the order in which it applied."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ostraka.checking import Outcome
from ostraka.checking.witness import (
    Answer,
    Changed,
    Count,
    Decided,
    Delete,
    Get,
    Keyspace,
    Observation,
    Put,
    Range,
    Request,
    just_after,
)

Seen = Observation[Request, Answer]
KEYS = [b"a", b"b", b"c", b"d"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a check is given."""

    seen: list[Seen]
    decided: list[Decided[Request]]


def served(rng: random.Random, calls: int, *, overlap: int = 4, unknown: float = 0.1, failed: float = 0.05) -> Run:
    """A run of a store that does no wrong: everything takes effect at an instant between its call and its return."""
    begun = sorted(rng.sample(range(10 * calls), calls))
    instants = [call + rng.random() * 10 * overlap for call in begun]
    requests = [requested(rng, number) for number in range(calls)]
    model = Keyspace()
    decided: list[Decided[Request]] = []
    seen: dict[int, Seen] = {}
    for number in sorted(range(calls), key=instants.__getitem__):
        request, call = requests[number], float(begun[number])
        returned = instants[number] + rng.random() * 10
        read = model.is_read(request)
        chance = rng.random()
        if chance < failed:
            seen[number] = Observation(number, call, returned, Outcome.FAILED, request)
            continue
        lost = chance < failed + unknown
        if lost and rng.random() < 0.5:
            seen[number] = Observation(number, call, None, Outcome.UNKNOWN, request)
            continue
        stale = read and rng.random() < 0.2
        state = rng.randint(0, len(decided)) if stale else len(decided)
        answer = model.read(request, state) if read else model.apply(request)
        if not read:
            decided.append(Decided(request, number))
        if lost:
            seen[number] = Observation(number, call, None, Outcome.UNKNOWN, request, stale=stale)
        else:
            at = state if read and rng.random() < 0.5 else None
            seen[number] = Observation(number, call, returned, Outcome.OK, request, answer, stale, at)
    return Run([seen[number] for number in range(calls)], decided)


def requested(rng: random.Random, number: int) -> Request:
    """Any request. Its number makes a put the only one of its value."""
    key = rng.choice(KEYS)
    end = rng.choice([just_after(key), just_after(key), b"d", b"e", None])
    requests: list[Request] = [
        Put(key, b"%d" % number),
        Put(key, b"%d" % number, prev=True),
        Delete(key, end),
        Get(key),
        Get(key),
        Range(key, end, rng.choice([None, 1, 2]), rng.random() < 0.2),
        Count(key, end),
    ]
    return rng.choice(requests)


def spoiled(rng: random.Random, run: Run) -> Run:
    """The run with one thing changed; not always for the worse."""
    return rng.choice([_with_other_answer, _with_other_times, _with_other_outcome, _with_other_order])(rng, run)


def _with_other_answer(rng: random.Random, run: Run) -> Run:
    at = rng.randrange(len(run.seen))
    seen = run.seen[at]
    if seen.outcome is not Outcome.OK:
        return run
    alike = [
        each.answer for each in run.seen if type(each.request) is type(seen.request) and each.outcome is Outcome.OK
    ]
    answer = rng.choice(alike)
    if isinstance(answer, Changed) and rng.random() < 0.5:
        answer = replace(answer, revision=answer.revision + rng.choice([-1, 1]))
    return Run([*run.seen[:at], replace(seen, answer=answer), *run.seen[at + 1 :]], run.decided)


def _with_other_times(rng: random.Random, run: Run) -> Run:
    at = rng.randrange(len(run.seen))
    seen = run.seen[at]
    shift = rng.choice([-30, -10, 10, 30])
    returned = None if seen.returned is None else seen.returned + shift
    moved = replace(seen, call=seen.call + shift, returned=returned)
    return Run([*run.seen[:at], moved, *run.seen[at + 1 :]], run.decided)


def _with_other_outcome(rng: random.Random, run: Run) -> Run:
    at = rng.randrange(len(run.seen))
    seen = run.seen[at]
    failed = replace(seen, outcome=Outcome.FAILED, answer=None, at=None, returned=seen.call + 1)
    return Run([*run.seen[:at], failed, *run.seen[at + 1 :]], run.decided)


def _with_other_order(rng: random.Random, run: Run) -> Run:
    """One command is left out, applied twice, or applied in another place."""
    if not run.decided:
        return run
    order = list(run.decided)
    command = order.pop(rng.randrange(len(order)))
    for _ in range(rng.randrange(3)):
        order.insert(rng.randint(0, len(order)), command)
    return Run(run.seen, order)
