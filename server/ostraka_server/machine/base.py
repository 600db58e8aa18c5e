"""What the machine stands on: rows of a checkpoint, read through a narrow seam, and what turns it into the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, NamedTuple, Protocol

RowFields = tuple[bytes, bytes, int, int, int]
"""The fields of a `Row`, in its order. What lies under the machine need not know its classes."""

PastFields = tuple[bytes, bytes, int, int, int, int]
"""The fields of a `PastRow`, in its order."""


class Row(NamedTuple):
    """A key that exists.

    1. `create_revision <= mod_revision`, both revisions of the shard.
    2. `version` counts the puts since the key was created, from 1.
    """

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int


row_of: Final[Callable[[RowFields], Row]] = partial(tuple.__new__, Row)
"""A row of its fields, at half the price of `Row._make`, which counts them."""


def row_put(key: bytes, value: bytes, prev: Row | None, revision: int) -> Row:
    """What a put at `revision` makes of a key, whose row was `prev` if it existed."""
    if prev is None:
        return row_of((key, value, revision, revision, 1))
    return row_of((key, value, prev.create_revision, revision, prev.version + 1))


class PastRow(NamedTuple):
    """A row as it was from `mod_revision` until `end_revision`, which replaced or deleted it.

    `mod_revision < end_revision`; a key's rows never overlap, so `key` and `mod_revision` name one.
    """

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    end_revision: int


class MachineState(NamedTuple):
    """All of the machine's state but its rows."""

    applied_slot: int
    revision: int
    digest: bytes
    """16 bytes; see `effects.py`."""


EMPTY_STATE = MachineState(applied_slot=0, revision=1, digest=bytes(16))
"""Before the first slot."""


class Delta(NamedTuple):
    """What turns one checkpoint into the next. To be written as one transaction.

    1. `changes` maps each touched key to its row, or to None where it was deleted. Nobody changes it any more.
    2. `past` holds the rows that ended meanwhile, by ascending `end_revision`.
    3. `records` maps the name of each record that changed to its bytes, or to None where it is gone. Records are all
       that the machine keeps beside rows: few and small, read as a whole when a machine is made.
    4. `state` is the state after the last slot whose changes it holds.
    """

    changes: Mapping[bytes, Row | None]
    past: Sequence[PastFields]
    records: Mapping[bytes, bytes | None]
    state: MachineState


class Base(Protocol):
    """The checkpointed rows. Key ranges are `[start, end)`, keys compare as bytes, an `end` of None means no end.

    Called from the machine's own thread only. Another thread may write the next checkpoint meanwhile; each call sees
    one checkpoint whole. An error that a call raises leaves the machine unusable: the node stops.
    """

    def get(self, key: bytes) -> RowFields | None:
        """The row of `key`, if it exists."""

    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> AbstractContextManager[Iterator[Sequence[RowFields]]]:
        """Rows in ascending order, or in `descending`, with empty values unless `values`; in batches, none of them
        empty, that are read as they are iterated. Not many more are read than are asked for."""

    def count(self, start: bytes, end: bytes | None) -> tuple[int, int]:
        """How many keys, and the applied slot of the checkpoint that was counted (0: nothing written yet)."""

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        """The key of the range that has so many keys of it before it, at least one; None where there is none such."""

    def get_at(self, key: bytes, revision: int) -> RowFields | None:
        """The row of `key` as of `revision`, if it existed then."""

    def scan_at(
        self, start: bytes, end: bytes | None, revision: int, *, values: bool, descending: bool = False
    ) -> AbstractContextManager[Iterator[Sequence[RowFields]]]:
        """Like `scan`, as of `revision`."""

    def count_at(self, start: bytes, end: bytes | None, revision: int) -> tuple[int, int]:
        """Like `count`, the keys that existed at `revision`."""

    def records(self) -> Mapping[bytes, bytes]:
        """All records, by name."""
