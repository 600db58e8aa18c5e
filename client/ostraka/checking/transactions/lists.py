"""Lists that grow: a read tells every version that came before, so the longest one tells the key's whole order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..calls import Outcome
from .anomaly import Anomaly, Phenomenon
from .transaction import Append, Key, ReadList, Transaction, Value, shortened
from .versions import NOBODY, Read, Version, Versions, Writes, lost_updates


class _Seen(NamedTuple):
    """What a transaction saw of a key as others had left it."""

    reader: int
    key: Key
    values: tuple[Value, ...]


def list_versions(transactions: Sequence[Transaction]) -> tuple[Versions, list[Anomaly]]:
    """The versions of all keys, and the anomalies that show without looking for cycles.

    Raises ValueError if a value was appended twice to one key.
    """
    return _Lists(transactions).analysed()


class _Lists:
    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self._transactions = transactions
        self._writes = Writes(transactions)
        self._anomalies: list[Anomaly] = []
        self._seen: list[_Seen] = []
        self._longest: dict[Key, _Seen] = {}
        self._versions = Versions(transactions, [each.outcome is Outcome.OK for each in transactions])

    def analysed(self) -> tuple[Versions, list[Anomaly]]:
        self._gather()
        for key, seen in self._longest.items():
            writers = [self._writes.writer(key, value) for value in seen.values]
            self._versions.orders[key] = list(map(Version, seen.values, writers))
            self._anomalies += self._wrong_values(seen, writers)
        for seen in self._seen:
            self._place(seen)
        self._gather_unread()
        self._anomalies += lost_updates(self._versions, self._writes)
        return self._versions, self._anomalies

    def _gather(self) -> None:
        """All that was seen by transactions that took effect; what they saw took effect too, whoever was told."""
        happened = self._versions.happened
        new = [number for number, did in enumerate(happened) if did]
        while new:
            grown = set()
            for number in new:
                for seen in self._external(number):
                    self._seen.append(seen)
                    longest = self._longest.get(seen.key)
                    if longest is None or len(seen.values) > len(longest.values):
                        self._longest[seen.key] = seen
                        grown.add(seen.key)
            writers = {self._writes.writer(key, value) for key in grown for value in self._longest[key].values}
            new = sorted(n for n in writers if n != NOBODY and self._transactions[n].outcome is Outcome.UNKNOWN)
            new = [number for number in new if not happened[number]]
            for number in new:
                happened[number] = True

    def _external(self, number: int) -> Iterator[_Seen]:
        """What others had left, key by key; checks on the way that the transaction agrees with itself."""
        transaction = self._transactions[number]
        known: dict[Key, tuple[Value, ...]] = {}
        appended: defaultdict[Key, tuple[Value, ...]] = defaultdict(tuple)
        for step in transaction.steps:
            if isinstance(step, Append):
                appended[step.key] += (step.value,)
            elif isinstance(step, ReadList):
                own = appended[step.key]
                others = max(0, len(step.values) - len(own))
                before = step.values[:others]
                if step.values[others:] != own or known.setdefault(step.key, before) != before:
                    reason = f"T1 read {shortened(step.values)} of {step.key!r} against its own earlier steps"
                    self._wrong(Phenomenon.INTERNAL, [number], reason)
                elif before and self._writes.writer(step.key, before[-1]) == number:
                    reason = f"T1 read {before[-1]!r} of {step.key!r} before it appended that itself"
                    self._wrong(Phenomenon.FUTURE_READ, [number], reason)
        for key, before in known.items():
            yield _Seen(number, key, before)

    def _wrong_values(self, seen: _Seen, writers: Sequence[int]) -> Iterator[Anomaly]:
        """What can be wrong with the longest list of a key."""
        reader, key, values = seen
        if len(set(values)) < len(values):
            twice = next(value for at, value in enumerate(values) if value in values[:at])
            yield self._anomaly(Phenomenon.DUPLICATES, [reader], f"T1 read {twice!r} twice in {key!r}")
        for value, writer in zip(values, writers, strict=True):
            if writer == NOBODY:
                yield self._anomaly(Phenomenon.GARBAGE_READ, [reader], f"T1 read {value!r} of {key!r}: nobody wrote it")
            elif self._failed(writer):
                reason = f"T1 read {value!r} of {key!r}, appended by T2, which had failed"
                yield self._anomaly(Phenomenon.G1A, [reader, writer], reason)
        yield from self._wrong_steps(seen, writers)
        for (value, writer), (after, follower) in pairwise(zip(values, writers, strict=True)):
            if NOBODY not in (writer, follower) and self._failed(writer) and not self._failed(follower):
                reason = f"T2 appended {after!r} to {key!r} right after {value!r} of T1, which had failed"
                yield self._anomaly(Phenomenon.DIRTY_UPDATE, [writer, follower], reason)

    def _wrong_steps(self, seen: _Seen, writers: Sequence[int]) -> Iterator[Anomaly]:
        """Values of one transaction that stand in another order than it appended them, or with some left out."""
        reader, key, values = seen
        counts: Counter[int] = Counter()
        for value, writer in zip(values, writers, strict=True):
            appended = self._writes.values(writer, key)[counts[writer] : counts[writer] + 1]
            if appended and appended[0] != value:
                reason = f"T1 read {value!r} of {key!r} where T2 had first appended {appended[0]!r}"
                yield self._anomaly(Phenomenon.INCOMPATIBLE_ORDER, [reader, writer], reason)
                return
            counts[writer] += 1

    def _place(self, seen: _Seen) -> None:
        """Give the read its position in the key's order, if it has one."""
        reader, key, values = seen
        longest = self._longest[key]
        if values != longest.values[: len(values)]:
            reason = f"T1 read {shortened(values)} of {key!r}, T2 {shortened(longest.values)}: no order has both"
            self._wrong(Phenomenon.INCOMPATIBLE_ORDER, [reader, longest.reader], reason)
            writers = [self._writes.writer(key, value) for value in values]
            self._anomalies += self._wrong_values(seen, writers)
            return
        self._versions.reads.append(Read(reader, key, len(values)))
        if values:
            writer = self._writes.writer(key, values[-1])
            if writer not in (NOBODY, reader) and self._writes.values(writer, key)[-1] != values[-1]:
                reason = f"T1 read {values[-1]!r} as the end of {key!r}, to which T2 appended more"
                self._wrong(Phenomenon.G1B, [reader, writer], reason)

    def _gather_unread(self) -> None:
        """Appends that took effect and are in no list come after all that was read."""
        placed = {(key, version.value) for key, order in self._versions.orders.items() for version in order}
        unread: defaultdict[Key, dict[int, None]] = defaultdict(dict)
        for key, value, writer in self._writes:
            if self._versions.happened[writer] and (key, value) not in placed:
                unread[key][writer] = None
        self._versions.unread = {key: list(writers) for key, writers in unread.items()}

    def _failed(self, number: int) -> bool:
        return self._transactions[number].outcome is Outcome.FAILED

    def _wrong(self, phenomenon: Phenomenon, numbers: Iterable[int], reason: str) -> None:
        self._anomalies.append(self._anomaly(phenomenon, numbers, reason))

    def _anomaly(self, phenomenon: Phenomenon, numbers: Iterable[int], reason: str) -> Anomaly:
        return Anomaly(phenomenon, tuple(self._transactions[number] for number in numbers), (reason,))
