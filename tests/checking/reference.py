"""Linearizability by its definition: every order of every choice of unknown writes. For a few operations only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ostraka.checking import Kind, Operation, Outcome


def is_linearizable(history: Sequence[Operation]) -> bool:
    """Whether any order that agrees with real time explains all answers of one key's history."""
    must = [op for op in history if op.outcome is Outcome.OK]
    may = [op for op in history if op.outcome is Outcome.UNKNOWN and op.kind is not Kind.GET]
    return any(
        _explains(order)
        for choice in range(2 ** len(may))
        for order in _orders([*must, *(op for bit, op in enumerate(may) if choice >> bit & 1)])
    )


def _orders(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Every order in which none comes after one that was called after it returned."""
    if not operations:
        yield []
    for first in operations:
        others = [op for op in operations if op is not first]
        if all(op.returned is None or op.returned >= first.call for op in others):
            yield from ([first, *rest] for rest in _orders(others))


def _explains(order: Sequence[Operation]) -> bool:
    """Whether a register that does these one by one answers as told, for some choice of the revisions not told."""
    value: bytes | None = None
    changes: list[set[int]] = []  # what was said of each change's revision, in order
    for op in order:
        existed = value is not None
        said = set() if op.revision is None else {op.revision}
        if op.kind is Kind.GET:
            if op.value != value:
                return False
            if said:
                changes[-1] |= said
        elif op.kind is Kind.PUT:
            value = op.value
            changes.append(said)
        else:
            if op.existed is not None and op.existed is not existed:
                return False
            if existed:
                value = None
                changes.append(said)
    return _can_rise(changes)


def _can_rise(changes: Sequence[set[int]]) -> bool:
    """Whether revisions from 1 on can be given to all changes so that each is above the one before."""
    known = [(place, next(iter(said))) for place, said in enumerate(changes, start=1) if said]
    if any(len(said) > 1 for said in changes):
        return False
    steps = zip([(0, 0), *known], known, strict=False)
    return all(revision - before >= place - earlier for (earlier, before), (place, revision) in steps)
