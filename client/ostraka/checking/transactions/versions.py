"""What the reads tell: the order of each key's versions, who wrote them and who read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .anomaly import Anomaly, Phenomenon
from .transaction import Append, Key, Transaction, Value, Write

NOBODY = -1
"""Stands for the writer of a value that nobody wrote."""


class Version(NamedTuple):
    """A version of a key, written by a transaction given by its number."""

    value: Value
    writer: int


class Read(NamedTuple):
    """A transaction saw the version at this position of the key's order, counted from 1. 0: the key was untouched."""

    reader: int
    key: Key
    position: int


@dataclass(slots=True)
class Versions:
    """The transactions that took effect, and what they read and wrote."""

    transactions: Sequence[Transaction]
    happened: list[bool]
    """Whether it took effect: it was acknowledged, or somebody read what it wrote."""
    orders: dict[Key, list[Version]] = field(default_factory=dict)
    """Each key's versions that have a place in its order."""
    unread: dict[Key, list[int]] = field(default_factory=dict)
    """Writers of versions that come after those, in an order that nobody saw."""
    reads: list[Read] = field(default_factory=list)
    """Of versions that the reader did not write itself."""


class Writes:
    """Who wrote what. Raises ValueError if a value was written to a key twice: then nobody can tell who read whom."""

    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self._writers: dict[tuple[Key, Value], int] = {}
        self._values: dict[tuple[int, Key], list[Value]] = {}
        for number, transaction in enumerate(transactions):
            for step in transaction.steps:
                if isinstance(step, Append | Write):
                    if (step.key, step.value) in self._writers:
                        raise ValueError(f"{step.value!r} was written twice to {step.key!r}")
                    self._writers[step.key, step.value] = number
                    self._values.setdefault((number, step.key), []).append(step.value)

    def writer(self, key: Key, value: Value) -> int:
        """The number of the transaction that wrote the value, or NOBODY."""
        return self._writers.get((key, value), NOBODY)

    def writes(self, number: int, key: Key) -> bool:
        """Whether the transaction writes the key."""
        return (number, key) in self._values

    def values(self, number: int, key: Key) -> Sequence[Value]:
        """What the transaction wrote to the key, step by step."""
        return self._values.get((number, key), ())

    def __iter__(self) -> Iterator[tuple[Key, Value, int]]:
        """Every write, in the order of transactions and steps."""
        return ((key, value, writer) for (key, value), writer in self._writers.items())


def lost_updates(versions: Versions, writes: Writes) -> Iterator[Anomaly]:
    """Transactions that read the same version of a key and all wrote the key: all but one have overwritten unseen."""
    updaters: defaultdict[tuple[Key, int], list[int]] = defaultdict(list)
    for reader, key, position in versions.reads:
        if writes.writes(reader, key):
            updaters[key, position].append(reader)
    for (key, position), numbers in updaters.items():
        if len(numbers) > 1:
            reason = f"all of them read version {position} of {key!r} and wrote {key!r}"
            yield Anomaly(Phenomenon.LOST_UPDATE, tuple(versions.transactions[number] for number in numbers), (reason,))
