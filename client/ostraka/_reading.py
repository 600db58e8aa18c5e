"""How a read is made: of which state, and how recent; as callers say it and as the wire has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from ostraka.v1 import kv_pb2
from ostraka.v1.common_pb2 import BOUNDED, SERIALIZABLE
from ostraka.v1.kv_pb2 import GetRequest, RangeRequest

SortBy = Literal["key", "version", "create", "mod", "value"]

SORT_TARGETS: Final[Mapping[SortBy, kv_pb2.SortTarget.ValueType]] = {
    "key": kv_pb2.BY_KEY,
    "version": kv_pb2.BY_VERSION,
    "create": kv_pb2.BY_CREATE_REVISION,
    "mod": kv_pb2.BY_MOD_REVISION,
    "value": kv_pb2.BY_VALUE,
}

_STALENESS_MS_MOST = 2**32 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class How:
    """The options that all reads have in common. Raises ValueError or TypeError for what contradicts or cannot be."""

    revision: int | None = None
    at: datetime | None = None
    serializable: bool = False
    max_staleness: float | None = None
    min_revision: int | None = None

    def __post_init__(self) -> None:
        if self.revision is not None and self.at is not None:
            raise ValueError("give either revision= or at=, not both")
        if self.at is not None and not isinstance(self.at, datetime):
            raise TypeError(f"at is a datetime, not {type(self.at).__name__}")
        if self.serializable and self.max_staleness is not None:
            raise ValueError("give either serializable= or max_staleness=, not both")
        for name, revision in (("revision", self.revision), ("min_revision", self.min_revision)):
            if revision is not None and not 0 < revision < 1 << 64:
                raise ValueError(f"{name} is {revision}; revisions count from 1")
        if self.max_staleness is not None and not 0 <= self.max_staleness < math.inf:
            raise ValueError(f"max_staleness is {self.max_staleness} s; it must be 0 or more, and finite")

    @property
    def anywhere(self) -> bool:
        """Whether any node may answer."""
        return self.serializable or self.max_staleness is not None

    def put_into(self, request: GetRequest | RangeRequest) -> None:
        """Have `request` say so."""
        if self.serializable:
            request.strength = SERIALIZABLE
        if self.max_staleness is not None:
            request.strength = BOUNDED
            request.max_staleness_ms = min(int(self.max_staleness * 1000), _STALENESS_MS_MOST)
        if self.revision is not None:
            request.revision = self.revision
        if self.at is not None:
            request.at_unix_ms = _unix_ms(self.at)
        if self.min_revision is not None:
            request.min_revision = self.min_revision


AS_IT_STANDS = How()


def ask_for_range(
    request: RangeRequest,
    sort_by: SortBy,
    descending: bool,
    mod_revisions: tuple[int | None, int | None],
    create_revisions: tuple[int | None, int | None],
) -> None:
    """Have `request` say which keys, in which order. Raises ValueError."""
    if sort_by not in SORT_TARGETS:
        raise ValueError(f"sort_by is {sort_by!r}; it is one of {', '.join(map(repr, SORT_TARGETS))}")
    request.sort_target = SORT_TARGETS[sort_by]
    if descending:
        request.sort_order = kv_pb2.DESCENDING
    request.min_mod_revision, request.max_mod_revision = revision_bounds(mod_revisions)
    request.min_create_revision, request.max_create_revision = revision_bounds(create_revisions)


def revision_bounds(bounds: tuple[int | None, int | None]) -> tuple[int, int]:
    """The least and the greatest revision, as the wire has them: 0 is no bound. Raises ValueError."""
    least, greatest = bounds
    for bound in bounds:
        if bound is not None and not 0 < bound < 1 << 64:
            raise ValueError(f"a bound is {bound}; revisions count from 1")
    return least or 0, greatest or 0


def _unix_ms(at: datetime) -> int:
    """At least 1: 0 stands for the present, and before 1970 there was nothing either."""
    if at.year < _EPOCH.year:
        return 1
    return max(1, (at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1))
