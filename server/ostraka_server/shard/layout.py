"""The layout: which shard serves which keys. Published by the system group, kept under one of its keys.

A node starts with the layout of its own last checkpoint, or with the first one, which follows from the formation.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from ostraka_server.wire.layout_pb2 import Layout as StoredLayout

SYSTEM_GROUP = 0
SYSTEM_SHARD = 0
FIRST_GROUP = 1
FIRST_SHARD = 1

LAYOUT_KEY = b"layout"
"""In the system group's own key space, which clients cannot reach."""


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
        object.__setattr__(self, "_starts", [shard.start for shard in self.shards])
        assert self.shards[0].start == b""
        assert self.shards[-1].end == b""
        assert all(left.end == right.start for left, right in zip(self.shards, self.shards[1:], strict=False))

    def shard_of(self, key: bytes) -> Shard:
        """The shard that serves `key`."""
        return self.shards[bisect_right(self._starts, key) - 1]

    def encode(self) -> bytes:
        """As it is stored under LAYOUT_KEY."""
        shards = [StoredLayout.Shard(shard=s.shard, group=s.group, start=s.start, end=s.end) for s in self.shards]
        return StoredLayout(number=self.number, shards=shards).SerializeToString()

    @classmethod
    def decode(cls, stored: bytes) -> Layout:
        """The inverse of `encode`."""
        layout = StoredLayout.FromString(stored)
        return cls(layout.number, tuple(Shard(s.shard, s.group, s.start, s.end) for s in layout.shards))


FIRST_LAYOUT = Layout(1, (Shard(FIRST_SHARD, FIRST_GROUP, b"", b""),))
