"""The layout: which shard serves which keys. Published by the system group, kept under one of its keys.

A node starts with the layout of its own last checkpoint, or with the first one, which follows from the formation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from google.protobuf.message import DecodeError

from ostraka_server.wire.layout_pb2 import Layout as StoredLayout

SYSTEM_GROUP = 0
SYSTEM_SHARD = 0
FIRST_GROUP = 1
FIRST_SHARD = 1

LAYOUT_KEY = b"layout"
"""In the system group's own key space, which clients cannot reach."""


class MalformedLayout(ValueError):
    """The bytes are not a layout that can be served by."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Keys of [start, end); an `end` of b"" means no end."""

    shard: int
    group: int
    start: bytes
    end: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Shards in key order; together they cover every key once. A higher number is a later layout."""

    number: int
    shards: tuple[Shard, ...]
    _starts: list[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        assert _cover_every_key_once(self.shards)
        object.__setattr__(self, "_starts", [shard.start for shard in self.shards])

    def shard_of(self, key: bytes) -> Shard:
        """The shard that serves `key`."""
        return self.shards[bisect_right(self._starts, key) - 1]

    def encode(self) -> bytes:
        """As it is stored under LAYOUT_KEY."""
        shards = [StoredLayout.Shard(shard=s.shard, group=s.group, start=s.start, end=s.end) for s in self.shards]
        return StoredLayout(number=self.number, shards=shards).SerializeToString()

    @classmethod
    def decode(cls, stored: bytes) -> Layout:
        """The inverse of `encode`. Raises MalformedLayout."""
        try:
            layout = StoredLayout.FromString(stored)
        except DecodeError as error:
            raise MalformedLayout("what is stored as the layout is none") from error
        shards = tuple(Shard(s.shard, s.group, s.start, s.end) for s in layout.shards)
        if not _cover_every_key_once(shards):
            raise MalformedLayout(f"layout {layout.number} leaves keys without a shard, or gives them two")
        return cls(layout.number, shards)


def _cover_every_key_once(shards: Sequence[Shard]) -> bool:
    if not shards or shards[0].start or shards[-1].end:
        return False
    return all(left.start < left.end == right.start for left, right in pairwise(shards))


FIRST_LAYOUT = Layout(1, (Shard(FIRST_SHARD, FIRST_GROUP, b"", b""),))
