"""Which rows a DeleteRequest removes, from whatever state, and how much of that is too much.

The bounds are part of the entry format, not configuration: all replicas must refuse the same deletes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ostraka.v1 import common_pb2
from ostraka.v1.kv_pb2 import DeleteRequest
from ostraka_server.machine.base import Row
from ostraka_server.machine.overlay import PAST_OVERHEAD_BYTES, ROW_OVERHEAD_BYTES
from ostraka_server.machine.ranges import span
from ostraka_server.machine.results import Refused
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.walking import answer_bytes

DELETE_BYTES_MAX = 16 << 20
"""Most memory that the rows of one delete, or of all deletes of a transaction, may take, by estimate: 20,000 keys of
128 bytes, 24,000 at most. They are read and deleted in one turn of the event loop, which takes 0.1 to 0.15 s, a small
part of the time after which followers elect another leader."""

DELETE_PREV_BYTES_MAX = 3 << 20
"""Most that the rows of a delete with prev_kv may take: beyond it the answer would not fit a message."""


class Doomed(NamedTuple):
    """Rows that are to be removed, values included, and what memory they take."""

    rows: Sequence[Row]
    size: int


def doomed(rows: Rows, request: DeleteRequest, room: int = DELETE_BYTES_MAX) -> Doomed | Refused:
    """Which of `rows` are to be removed; refused where they take more than `room`."""
    if not request.range_end:
        row = rows.get(request.key)
        if row is None:
            return Doomed((), 0)
        return Doomed((row,), _held_bytes(row)) if _held_bytes(row) <= room else _TOO_MANY
    several, size, answer_size = [], 0, 0
    with rows.scan(*span(request.key, request.range_end), values=True) as each:
        for row in each:
            size += _held_bytes(row)
            answer_size += answer_bytes(row) if request.prev_kv else 0
            if answer_size > DELETE_PREV_BYTES_MAX:
                return _TOO_LONG
            if size > room:
                return _TOO_MANY
            several.append(row)
    return Doomed(tuple(several), size)


def _held_bytes(row: Row) -> int:
    return ROW_OVERHEAD_BYTES + PAST_OVERHEAD_BYTES + len(row.key) + len(row.value)


_TOO_LONG = Refused(
    common_pb2.TOO_LARGE,
    f"the rows to return are over {DELETE_PREV_BYTES_MAX} bytes: delete a smaller range, or without prev_kv",
)
_TOO_MANY = Refused(
    common_pb2.TOO_LARGE,
    f"the rows to delete at once take over {DELETE_BYTES_MAX} bytes of memory, some 20,000 keys of 128 "
    "bytes: read a page of keys, delete from its first key to its last, and so on until there are none",
)
