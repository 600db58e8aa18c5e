"""Rows over rows: what lies above hides what has the same key below. Pure.

Rows are tuples that begin with their key. Those below come in batches, none of them empty, as they are read and checked
many at a time. What lies above is nearly always sparse: a batch that it does not touch passes as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import gt, lt
from typing import Any, TypeVar

Row = TypeVar("Row", bound=tuple[Any, ...])


def shadow(
    above: Iterator[tuple[bytes, Row | None]], below: Iterable[Sequence[Row]], *, descending: bool = False
) -> Iterator[Sequence[Row]]:
    """Both in ascending order of keys, or in `descending`; where both have a key, only what is above, and there None
    stands for no row. Of either, no more is read than has to be."""
    comes_first = gt if descending else lt
    change = next(above, None)
    for batch in below:
        if change is None or comes_first(batch[-1][0], change[0]):
            yield batch
            continue
        for row in batch:
            hidden = False
            while change is not None and not comes_first(row[0], change[0]):
                hidden = change[0] == row[0]
                if change[1] is not None:
                    yield (change[1],)
                change = next(above, None)
            if not hidden:
                yield (row,)
    if change is not None:
        yield from ((row,) for _, row in chain((change,), above) if row is not None)
