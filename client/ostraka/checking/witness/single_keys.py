"""The same calls as operations on single keys, so that the search, which needs no decided order, can check them too.

What one instant does to several keys it does to each of them; that it is the same instant is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from ..calls import Outcome
from ..history import Kind, Operation
from .observation import Observation
from .requests import Answer, Changed, Count, Delete, Get, Put, Range, Request, Row, Txn, just_after

Seen = Observation[Request, Answer]


def single_key_operations(observations: Iterable[Seen]) -> list[Operation]:
    """An operation for each call and key that it concerns. Left out: what may be stale, counts, and transactions.

    Every put that there was must be among the calls; so transactions must write other keys than these read.
    """
    calls = [seen for seen in observations if not seen.stale and not isinstance(seen.request, Count | Txn)]
    keys = sorted({seen.request.key for seen in calls if isinstance(seen.request, Put)})
    return [operation for seen in calls for operation in _operations(seen, keys)]


def _operations(seen: Seen, keys: Sequence[bytes]) -> Iterator[Operation]:
    """`keys` are all that were ever put, in order."""
    request, answer = seen.request, seen.answer
    if isinstance(request, Put):
        revision = answer.revision if isinstance(answer, Changed) else None
        yield _operation(seen, Kind.PUT, request.key, request.value, revision)
    elif isinstance(request, Delete):
        doomed = _within(keys, request.start, request.end)
        existed = {0: False, len(doomed): True}.get(answer) if isinstance(answer, int) else None
        for key in doomed:
            yield _operation(seen, Kind.DELETE, key, existed=existed)
    elif seen.outcome is Outcome.OK and isinstance(request, Get):
        yield _get(seen, request.key, answer if isinstance(answer, Row) else None)
    elif seen.outcome is Outcome.OK and isinstance(request, Range) and isinstance(answer, tuple):
        rows = {row.key: row for row in answer}
        end = just_after(answer[-1].key) if answer and len(answer) == request.limit else request.end
        for key in sorted({*_within(keys, request.start, end), *rows}):
            if not (request.keys_only and key in rows):
                yield _get(seen, key, rows.get(key))


def _within(keys: Sequence[bytes], start: bytes, end: bytes | None) -> Sequence[bytes]:
    return keys[bisect_left(keys, start) : len(keys) if end is None else bisect_left(keys, end)]


def _get(seen: Seen, key: bytes, row: Row | None) -> Operation:
    if row is None:
        return _operation(seen, Kind.GET, key)
    return _operation(seen, Kind.GET, key, row.value, row.mod_revision)


def _operation(
    seen: Seen,
    kind: Kind,
    key: bytes,
    value: bytes | None = None,
    revision: int | None = None,
    *,
    existed: bool | None = None,
) -> Operation:
    return Operation(seen.process, seen.call, seen.returned, seen.outcome, kind, key, value, revision, existed)
