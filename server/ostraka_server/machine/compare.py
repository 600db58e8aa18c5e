"""Whether a transaction's compare holds. etcd's rules, for keys that are there and for those that are not."""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, gt, lt, ne
from typing import Any

from ostraka.v1.kv_pb2 import Compare
from ostraka_server.machine.base import Row
from ostraka_server.machine.ranges import span
from ostraka_server.machine.room import Room
from ostraka_server.machine.rows import Rows

Holds = Callable[[Any, Any], bool]

OPERATORS: dict[Compare.Operator.ValueType, Holds] = {
    Compare.EQUAL: eq,
    Compare.NOT_EQUAL: ne,
    Compare.GREATER: gt,
    Compare.LESS: lt,
}
"""Each takes what is there first, then the target."""

_FIELDS: dict[str, Callable[[Row], bytes | int]] = {
    "value": lambda row: row.value,
    "version": lambda row: row.version,
    "create_revision": lambda row: row.create_revision,
    "mod_revision": lambda row: row.mod_revision,
    "lease": lambda row: 0,  # no key is attached to a lease
}


def holds(compare: Compare, rows: Rows, room: Room) -> bool:
    """Whether a well-formed compare holds for each key of its range; an empty one counts as one key that is absent.
    Raises RoomSpent where that would be too much to look at."""
    target = compare.WhichOneof("target")
    assert target is not None, "refuse_shape let it pass"
    wanted, field, related = getattr(compare, target), _FIELDS[target], OPERATORS[compare.operator]

    def test(row: Row | None) -> bool:
        return related(field(row), wanted) if row is not None else target != "value" and related(0, wanted)

    if not compare.range_end:
        return test(rows.get(compare.key))
    with rows.scan(*span(compare.key, compare.range_end), values=target == "value") as each:
        found = room.each(each)
        return test(next(found, None)) and all(map(test, found))
