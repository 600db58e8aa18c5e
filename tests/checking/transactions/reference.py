"""Serialisability by its definition: every order of every choice of unknown transactions. For a few only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from ostraka.checking import Outcome
from ostraka.checking.transactions import Append, Order, ReadList, ReadValue, Transaction, Write


def is_serialisable(history: Sequence[Transaction], order: Order) -> bool:
    """Whether transactions one by one, in an order that keeps what `order` promises, read what these read."""
    must = [each for each in history if each.outcome is Outcome.OK]
    may = [each for each in history if each.outcome is Outcome.UNKNOWN]
    return any(
        _explains(serial)
        for choice in range(2 ** len(may))
        for serial in _orders([*must, *(each for bit, each in enumerate(may) if choice >> bit & 1)], order)
    )


def _orders(transactions: Sequence[Transaction], order: Order) -> Iterator[list[Transaction]]:
    if not transactions:
        yield []
    for first in transactions:
        others = [each for each in transactions if each is not first]
        if not any(_must_precede(each, first, order) for each in others):
            yield from ([first, *rest] for rest in _orders(others, order))


def _must_precede(one: Transaction, other: Transaction, order: Order) -> bool:
    before = one.returned is not None and one.returned < other.call
    if order is Order.PROCESS:
        return before and one.process == other.process
    return before and order is Order.REALTIME


def _explains(serial: Iterable[Transaction]) -> bool:
    """Whether each read is explained, and revisions rise along the writes of each key."""
    lists: defaultdict[Hashable, tuple[Hashable, ...]] = defaultdict(tuple)
    told: defaultdict[Hashable, list[set[int]]] = defaultdict(list)  # of each write of a key: what was said of it
    for transaction in serial:
        for step in transaction.steps:
            if isinstance(step, Append | Write):
                lists[step.key] += (step.value,)
                revision = step.revision if isinstance(step, Write) else None
                told[step.key].append(set() if revision is None else {revision})
            elif isinstance(step, ReadList):
                if lists[step.key] != step.values:
                    return False
            elif isinstance(step, ReadValue):
                if (lists[step.key] or (None,))[-1] != step.value:
                    return False
                if step.revision is not None:
                    told[step.key][-1].add(step.revision)
    return all(_rise(said) for said in told.values())


def _rise(said: list[set[int]]) -> bool:
    known = [next(iter(revisions)) for revisions in said if revisions]
    return all(len(revisions) <= 1 for revisions in said) and known == sorted(set(known))
