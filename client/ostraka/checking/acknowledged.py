"""What acknowledging writes promises, checked without a search: they are there at the end, and they kept coming.

Weaker than linearizability, but never undecided, and it says of a lost write just that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .calls import Outcome
from .history import Kind, Operation


class LostWrite(NamedTuple):
    """An acknowledged write that is gone, though nothing came after it that explains what is there instead."""

    write: Operation
    """The acknowledged write of its key that has the highest revision, else that was called last."""
    found: bytes | None
    """What was read in the end; None if the key was absent."""


class Gap(NamedTuple):
    """A stretch of time in which no write was acknowledged, in seconds of the history's clock."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def lost_writes(operations: Iterable[Operation], final: Mapping[bytes, bytes | None]) -> list[LostWrite]:
    """The keys with acknowledged writes whose final value was left by no write that can have been the last.

    `final` is the whole content, read after all acknowledged operations; a key that it lacks was absent. A write cannot
    have been the last if an acknowledged one was called after it returned, or has a higher revision.
    """
    writes: defaultdict[bytes, list[Operation]] = defaultdict(list)
    for operation in operations:
        if operation.kind is not Kind.GET and operation.outcome is not Outcome.FAILED:
            writes[operation.key].append(operation)
    lost = []
    for key, of_key in writes.items():
        found = final.get(key)
        acknowledged = [write for write in of_key if write.outcome is Outcome.OK]
        if acknowledged and found not in _possible_last_values(of_key, acknowledged):
            lost.append(LostWrite(max(acknowledged, key=lambda write: (write.revision or 0, write.call)), found))
    return lost


def longest_gap(operations: Iterable[Operation], begin: float, end: float) -> Gap:
    """The longest stretch of [begin, end] in which no write was acknowledged, the first of equals.

    Writes must have been offered all that time, or the gap is the callers' own. Raises ValueError if end < begin.
    """
    if end < begin:
        raise ValueError(f"the time from {begin} to {end} runs backwards")
    acknowledged = sorted(
        operation.returned
        for operation in operations
        if operation.kind is not Kind.GET
        and operation.outcome is Outcome.OK
        and operation.returned is not None
        and begin <= operation.returned <= end
    )
    gaps = [Gap(left, right) for left, right in pairwise([begin, *acknowledged, end])]
    return max(gaps, key=lambda gap: gap.seconds)


def _possible_last_values(writes: Sequence[Operation], acknowledged: Sequence[Operation]) -> set[bytes | None]:
    """What the key may hold at the end: the values of the writes that no acknowledged one surely followed."""
    last_call = max(write.call for write in acknowledged)
    last_revision = max(write.revision or 0 for write in acknowledged)
    return {
        write.value
        for write in writes
        if (write.returned is None or write.returned >= last_call)
        and (write.revision is None or write.revision >= last_revision)
    }
