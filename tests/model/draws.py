"""Requests about keys, drawn by chance: few keys and short values, so that they meet; a malformed one here and there.

Integers and choices only: hypothesis plays the chance, too, and its floats are no numbers to count on.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ostraka.v1.kv_pb2 import CompactRequest, DeleteRequest, GetRequest, PutRequest, RangeRequest
from tests.model.shard import Shard

KEYS = (b"\0", b"a", b"a\0", b"ab", b"abc", b"b", b"ba", b"c", b"d", b"e", b"\xff", b"\xff\xff")
ENDS = (b"", b"\0", b"\0", b"b", b"c", b"e", *KEYS)
VALUES = (b"", b"1", b"2", b"a longer value, which counts for more bytes than its key does")
UNHEARD_OF = 7
"""A number that no enumeration has."""

Options = dict[str, Any]


class Draws:
    """For a shard, when the leader's clock shows `wall_ms`."""

    def __init__(self, chance: Random, shard: Shard, wall_ms: int) -> None:
        self.chance = chance
        self._shard = shard
        self._wall_ms = wall_ms

    def one_in(self, number: int) -> bool:
        return self.chance.randrange(number) == 0

    def key(self) -> bytes:
        return b"" if self.one_in(50) else self.chance.choice(KEYS)

    def value(self) -> bytes:
        return self.chance.choice(VALUES)

    def span(self) -> Options:
        """A key and where a range ends, seldom before it."""
        key, end = self.key(), self.chance.choice(ENDS)
        if b"\0" < end < key and not self.one_in(20):
            key, end = end, key
        return {"key": key, "range_end": end}

    def recent(self) -> int:
        """A revision: rather a late one, perhaps one to come."""
        revision = self._shard.revision
        earlier = self.chance.randrange(revision + 2) if self.one_in(4) else self.chance.randrange(10)
        return max(0, revision + 1 - earlier)

    def clients(self) -> Sequence[int]:
        """Those that are known."""
        return tuple(self._shard.sessions.clients)

    def answered_below(self, client: int) -> int:
        """What a client has said last; 1 of one that is not known."""
        known = self._shard.sessions.clients.get(client)
        return known.answered_below if known else 1

    def past(self) -> Options:
        """The present as often as not."""
        return {"revision": self.recent()} if self.one_in(2) else {}

    def past_or_time(self) -> Options:
        return {"at_unix_ms": self._wall_ms - self.chance.randrange(-2000, 9000)} if self.one_in(8) else self.past()

    def get(self, when: Options) -> GetRequest:
        return GetRequest(key=self.key(), **when)

    def range(self, when: Options) -> RangeRequest:
        options = self.span() | self._order() | self._filters()
        return RangeRequest(
            limit=self.chance.choice((0, 0, 1, 2, 5)),
            keys_only=self.one_in(4),
            count_only=self.one_in(4),
            without_count=self.one_in(4),
            **options,
            **when,
        )

    def put(self) -> PutRequest:
        return PutRequest(key=self.key(), value=self.value(), prev_kv=self.one_in(4))

    def delete(self) -> DeleteRequest:
        span = self.span() if self.one_in(3) else {"key": self.key()}
        return DeleteRequest(**span, prev_kv=self.one_in(4))

    def compact(self) -> CompactRequest:
        return CompactRequest(revision=self.recent())

    def _order(self) -> Options:
        """By key and ascending as often as not: that way is another one in the machine."""
        if self.one_in(2):
            return {}
        return {
            "sort_target": UNHEARD_OF if self.one_in(100) else self.chance.randrange(5),
            "sort_order": UNHEARD_OF if self.one_in(100) else self.chance.randrange(3),
        }

    def _filters(self) -> Options:
        """Seldom more than one."""
        names = ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision")
        return {name: self.recent() for name in names if self.one_in(8)}
