"""Which rows a DeleteRequest removes, from whatever state."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.v1.kv_pb2 import DeleteRequest
from ostraka_server.machine.base import Row
from ostraka_server.machine.ranges import span
from ostraka_server.machine.reading import answer_bytes
from ostraka_server.machine.rows import Rows


def doomed(rows: Rows, request: DeleteRequest, bytes_max: int) -> Sequence[Row] | None:
    """Values included, since they become the past; None where the request wants more of them back than `bytes_max`."""
    if not request.range_end:
        row = rows.get(request.key)
        found = () if row is None else (row,)
        return None if request.prev_kv and sum(map(answer_bytes, found)) > bytes_max else found
    several, size = [], 0
    with rows.scan(*span(request.key, request.range_end), values=True) as each:
        for row in each:
            size += answer_bytes(row) if request.prev_kv else 0
            if size > bytes_max:
                return None
            several.append(row)
    return tuple(several)
