"""Requests drawn by chance: few keys and short values, so that they meet; a malformed one here and there."""

from __future__ import annotations

from random import Random
from typing import Any

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import DeleteRequest, GetRequest, PutRequest, RangeRequest

KEYS = (b"\0", b"a", b"a\0", b"ab", b"abc", b"b", b"ba", b"c", b"d", b"e", b"\xff", b"\xff\xff")
ENDS = (b"", b"\0", b"\0", b"b", b"c", b"e", *KEYS)
VALUES = (b"", b"1", b"2", b"a longer value, which counts for more bytes than its key does")
NOT_EVEN_A_MESSAGE = b"\xff"
UNHEARD_OF = 7
"""A number that no enumeration has."""


def write(chance: Random) -> Command:
    """A command of an entry."""
    draw = chance.choices((_put, _delete, _no_write), (70, 29, 1))[0]
    return draw(chance)


def read(chance: Random, revision: int) -> Command:
    """A request that does not enter the log, to a shard that is at `revision`."""
    return _get(chance) if chance.randrange(4) == 0 else _range(chance, revision)


def _put(chance: Random) -> Command:
    value = chance.choice(VALUES)
    return Command(put=PutRequest(key=_key(chance), value=value, prev_kv=_now_and_then(chance)))


def _delete(chance: Random) -> Command:
    end = chance.choice(ENDS) if chance.randrange(3) == 0 else b""
    return Command(delete=DeleteRequest(key=_key(chance), range_end=end, prev_kv=_now_and_then(chance)))


def _no_write(chance: Random) -> Command:
    return chance.choice((Command(), _get(chance), _range(chance, 0)))


def _get(chance: Random) -> Command:
    return Command(get=GetRequest(key=_key(chance)))


def _range(chance: Random, revision: int) -> Command:
    return Command(
        range=RangeRequest(
            key=_key(chance),
            range_end=chance.choice(ENDS),
            limit=chance.choice((0, 0, 1, 2, 5)),
            keys_only=_now_and_then(chance),
            count_only=_now_and_then(chance),
            without_count=_now_and_then(chance),
            **_order(chance),
            **_filters(chance, revision),
        )
    )


def _order(chance: Random) -> dict[str, Any]:
    """By key and ascending as often as not: that way is another one in the machine."""
    if chance.randrange(2):
        return {}
    return {
        "sort_target": chance.randrange(5) if chance.randrange(100) else UNHEARD_OF,
        "sort_order": chance.randrange(3) if chance.randrange(100) else UNHEARD_OF,
    }


def _filters(chance: Random, revision: int) -> dict[str, Any]:
    """Seldom more than one."""
    names = ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision")
    return {name: _recent(chance, revision) for name in names if chance.randrange(8) == 0}


def _recent(chance: Random, revision: int) -> int:
    """A revision: rather a late one, also one to come."""
    earlier = chance.randrange(10) if chance.randrange(4) else chance.randrange(revision + 2)
    return max(0, revision + 1 - earlier)


def _key(chance: Random) -> bytes:
    return b"" if chance.randrange(50) == 0 else chance.choice(KEYS)


def _now_and_then(chance: Random) -> bool:
    return chance.randrange(4) == 0
