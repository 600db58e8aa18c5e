"""What calls return. Bytes are bytes, whatever type the keys and values were written as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from ostraka._operations import Operation

Done = TypeVar("Done")


class KeyValue(NamedTuple):
    """A key as it stood at the revision of the read. A tuple, as there may be a hundred thousand a second of them."""

    key: bytes
    value: bytes
    """Empty where only keys were asked for."""
    create_revision: int
    """The shard's revision at the put that created the key."""
    mod_revision: int
    """The shard's revision at the last put."""
    version: int
    """Puts since the key was created: 1 for a new key."""


@dataclass(frozen=True, slots=True)
class Read:
    """A key that was looked for, and which state was looked at."""

    kv: KeyValue | None
    """None where there was no such key."""
    revision: int
    """The shard's, where it was answered."""
    read_revision: int
    """The one that was read: the same, unless an older one was asked for."""
    staleness: float | None
    """Seconds that may have passed since this was the shard's newest state; None where no `max_staleness` was given."""


@dataclass(frozen=True, slots=True)
class PutResult:
    """A put that took effect."""

    revision: int
    """The shard's revision that this put made."""
    prev: KeyValue | None = None
    """What was there before: only when asked for, and only where there was something."""


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """A delete that took effect, be it on no key."""

    revision: int
    """The shard's, afterwards: the one that this delete made, if there was anything to delete."""
    deleted: int
    """How many keys there were."""
    prev: tuple[KeyValue, ...] = ()
    """What was there before, in the order of keys: only when asked for."""


@dataclass(frozen=True, slots=True)
class RangeResult:
    """What a Range found in a transaction."""

    kvs: tuple[KeyValue, ...]
    more: bool
    """There are keys beyond the limit."""
    count: int
    """Keys in the range, whatever limit and filters."""


@dataclass(frozen=True, slots=True)
class TxnResult:
    """A transaction that was done, in one way or the other."""

    revision: int
    """The shard's, afterwards: the one that its writes made, if there were any."""
    succeeded: bool
    """All compares held: `then` was done; else `otherwise`."""
    results: tuple[Result, ...]
    """One for each operation of that list, in its order."""
    _done: tuple[Operation[Any], ...] = field(repr=False, compare=False, default=())

    def __getitem__(self, operation: Operation[Done]) -> Done:
        """What came of this very operation. Raises KeyError where it stands in the list that was not done."""
        for each, result in zip(self._done, self.results, strict=True):
            if each is operation:
                return cast("Done", result)
        raise KeyError(f"{operation!r} was not done: it is not in the list that the compares chose")


Result = KeyValue | RangeResult | PutResult | DeleteResult | TxnResult | int | None
"""Of a Get, Range, Put, Delete, Txn, Count; None of a Get that found nothing."""
