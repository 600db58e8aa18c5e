"""Registers whose versions carry revisions: these give the order, which reads of single values would not tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..calls import Outcome
from .anomaly import Anomaly, Phenomenon
from .transaction import Key, ReadValue, Transaction, Value, Write
from .versions import NOBODY, Read, Version, Versions, Writes, lost_updates


class _Seen(NamedTuple):
    """What a transaction saw of a key as another had left it."""

    reader: int
    key: Key
    value: Value | None
    revision: int | None


def register_versions(transactions: Sequence[Transaction]) -> tuple[Versions, list[Anomaly]]:
    """The versions of all keys, and the anomalies that show without looking for cycles.

    Raises ValueError if a value was written twice to one key, or was read without its revision.
    """
    return _Registers(transactions).analysed()


class _Registers:
    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self._transactions = transactions
        self._writes = Writes(transactions)
        self._anomalies: list[Anomaly] = []
        self._seen: list[_Seen] = []
        self._revisions: dict[tuple[Key, Value], int] = {}
        self._versions = Versions(transactions, [each.outcome is Outcome.OK for each in transactions])

    def analysed(self) -> tuple[Versions, list[Anomaly]]:
        self._gather()
        positions = self._order()
        for reader, key, value, _ in self._seen:
            position = 0 if value is None else positions[key, value]
            self._versions.reads.append(Read(reader, key, position))
        self._anomalies += lost_updates(self._versions, self._writes)
        return self._versions, self._anomalies

    def _gather(self) -> None:
        """All that was seen by transactions that took effect; what they saw took effect too, whoever was told."""
        happened = self._versions.happened
        new = [number for number, did in enumerate(happened) if did]
        while new:
            number = new.pop()
            for step in self._transactions[number].steps:
                if isinstance(step, Write) and step.revision is not None:
                    self._learn(number, step.key, step.value, step.revision)
            for seen in self._external(number):
                self._seen.append(seen)
                writer = NOBODY if seen.value is None else self._check(seen, seen.value)
                if writer != NOBODY and self._transactions[writer].outcome is Outcome.UNKNOWN and not happened[writer]:
                    happened[writer] = True
                    new.append(writer)

    def _external(self, number: int) -> Iterator[_Seen]:
        """What others had left, key by key; checks on the way that the transaction agrees with itself."""
        held: dict[Key, tuple[Value | None, int | None]] = {}
        for step in self._transactions[number].steps:
            if isinstance(step, Write):
                held[step.key] = step.value, step.revision
            elif isinstance(step, ReadValue):
                if step.key not in held:
                    yield _Seen(number, step.key, step.value, step.revision)
                    held[step.key] = step.value, step.revision
                value, revision = held[step.key]
                if step.value != value or (step.revision is not None and step.revision != revision):
                    reason = f"T1: {step}, against its own earlier steps"
                    self._wrong(Phenomenon.INTERNAL, [number], reason)

    def _check(self, seen: _Seen, value: Value) -> int:
        """What can be wrong with one read. Gives the number of the writer, or NOBODY."""
        reader, key, _, revision = seen
        if revision is None:
            raise ValueError(f"{value!r} of {key!r} was read without its revision")
        self._learn(reader, key, value, revision)
        writer = self._writes.writer(key, value)
        if writer == NOBODY:
            self._wrong(Phenomenon.GARBAGE_READ, [reader], f"T1 read {value!r} of {key!r}: nobody wrote it")
        elif writer == reader:
            reason = f"T1 read {value!r} of {key!r} before it wrote that itself"
            self._wrong(Phenomenon.FUTURE_READ, [reader], reason)
        elif self._transactions[writer].outcome is Outcome.FAILED:
            reason = f"T1 read {value!r} of {key!r}, written by T2, which had failed"
            self._wrong(Phenomenon.G1A, [reader, writer], reason)
        elif self._writes.values(writer, key)[-1] != value:
            reason = f"T1 read {value!r} of {key!r}, which T2 wrote and overwrote"
            self._wrong(Phenomenon.G1B, [reader, writer], reason)
        return writer

    def _learn(self, number: int, key: Key, value: Value, revision: int) -> None:
        """The transaction says that this version has this revision."""
        known = self._revisions.setdefault((key, value), revision)
        if known != revision:
            reason = f"T1 knows {value!r} of {key!r} at revision {revision}, others at {known}"
            self._wrong(Phenomenon.INCOMPATIBLE_ORDER, [number], reason)

    def _order(self) -> dict[tuple[Key, Value], int]:
        """Puts the versions of each key in order. Gives the position of each."""
        by_key: defaultdict[Key, list[tuple[int, Version]]] = defaultdict(list)
        for (key, value), revision in self._revisions.items():
            by_key[key].append((revision, Version(value, self._writes.writer(key, value))))
        positions: dict[tuple[Key, Value], int] = {}
        for key, versions in by_key.items():
            versions.sort(key=lambda each: each[0])
            for (revision, version), (next_revision, other) in pairwise(versions):
                if revision == next_revision:
                    writers = [each.writer for each in (version, other) if each.writer != NOBODY]
                    reason = f"{version.value!r} and {other.value!r} of {key!r} both have revision {revision}"
                    self._wrong(Phenomenon.INCOMPATIBLE_ORDER, writers, reason)
            self._versions.orders[key] = [version for _, version in versions]
            positions |= {(key, version.value): at for at, (_, version) in enumerate(versions, start=1)}
        return positions

    def _wrong(self, phenomenon: Phenomenon, numbers: Iterable[int], reason: str) -> None:
        transactions = tuple(self._transactions[number] for number in numbers)
        self._anomalies.append(Anomaly(phenomenon, transactions, (reason,)))
