"""What SQLite does not keep: checksums, so that a store that can be read is the store that was written.

Rule 1: a current row's CRC covers its key, revisions and version, and its value through the value's own CRC: so a read
that leaves the value where it is can check the rest. Rows that ended are checked by the block (`blocks.py`).
Rule 2: beside the state stand, for each table, the number of all rows and the sum of all CRCs, kept by every
transaction: what vanished, came twice or is an old one changes the number or, but for one case in 2^32, the sum.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple, cast
from zlib import crc32

from ostraka_server.store.errors import DamagedStore

RowFields = tuple[bytes, bytes, int, int, int]
"""Key, value, create revision, mod revision, version."""

PastFields = tuple[bytes, bytes, int, int, int, int]
"""The same, and the end revision."""


BATCH_ROWS: Final = 64
"""Rows that are checked together: what is gained by it is gained by then, and their values may be long."""


class Total(NamedTuple):
    """Of all rows of a table, or of some. The sum is exact: SQLite's integers hold that of 2^31 rows."""

    rows: int = 0
    crcs: int = 0

    def plus(self, more: Total) -> Total:
        """Of these and more."""
        return Total(self.rows + more.rows, self.crcs + more.crcs)

    def less(self, gone: Total) -> Total:
        """Of these without some of them."""
        return Total(self.rows - gone.rows, self.crcs - gone.crcs)


COLUMNS: Final = "key, value, create_revision, mod_revision, version, value_crc, crc"
"""Of `kv`, as `sealed` gives them and `checked` wants them."""

KEY_COLUMNS: Final = COLUMNS.replace("value,", "x'',", 1)
"""The same with an empty value, which costs no reading of it."""

_NUMBERS: Final = Struct(">qqqI").pack


def sealed(rows: Iterable[RowFields]) -> list[tuple[Any, ...]]:
    """The rows, at least one, each with its CRCs. Raises TypeError, struct.error for what no row can hold."""
    keys, values, *numbers = zip(*rows, strict=True)
    value_crcs = tuple(map(crc32, values))
    return list(zip(keys, values, *numbers, value_crcs, _crcs(keys, numbers, value_crcs), strict=True))


def checked(row: Sequence[Any], name: str, *, with_value: bool = True) -> RowFields:
    """A row of the store `name` without its CRCs. Raises DamagedStore where they are not those of the rest."""
    key, value, *numbers, value_crc, crc = row
    try:
        intact = crc == crc32(_NUMBERS(*numbers, value_crc), crc32(key))
        if intact and (not with_value or crc32(value) == value_crc):
            return cast(RowFields, row[:-2])
    except (TypeError, struct.error):  # damage changes types, too
        pass
    raise DamagedStore(name, f"the row of key {key!r:.80} is not as it was written")


def all_checked(rows: Iterable[Sequence[Any]], name: str, *, with_value: bool = True) -> Sequence[RowFields]:
    """The same for many rows at once, at least one, at half the cost."""
    columns = list(zip(*rows, strict=True))
    check_all(columns, name, with_value=with_value)
    return cast(Sequence[RowFields], list(zip(*columns[:-2], strict=True)))


def check_all(columns: Sequence[tuple[Any, ...]], name: str, *, with_value: bool = True) -> Total:
    """Check many rows at once, given as the cells of each column; what they add up to. Raises DamagedStore."""
    keys, values, *numbers, value_crcs, crcs = columns
    try:
        intact = tuple(_crcs(keys, numbers, value_crcs)) == crcs
        if intact and (not with_value or tuple(map(crc32, values)) == value_crcs):
            return Total(len(crcs), sum(crcs))
    except (TypeError, struct.error):
        pass
    for row in zip(*columns, strict=True):
        checked(row, name, with_value=with_value)
    raise AssertionError("one of the rows is not intact")


def _crcs(keys: Iterable[bytes], numbers: Iterable[Iterable[int]], value_crcs: Iterable[int]) -> Iterator[int]:
    return map(crc32, map(_NUMBERS, *numbers, value_crcs), map(crc32, keys))


RECORD: Final = "name, value, crc"
"""The columns of a record, as `checked_record` wants them."""


def record_crc(name: bytes, value: bytes) -> int:
    """32 bits over a record."""
    return crc32(value, crc32(name, len(name)))


def checked_record(row: Sequence[Any], name: str) -> tuple[bytes, bytes]:
    """A record of the store `name` without its CRC. Raises DamagedStore where it is not that of the rest."""
    record, value, crc = row
    try:
        if crc == record_crc(record, value):
            return record, value
    except TypeError:  # damage changes types, too
        pass
    raise DamagedStore(name, f"the record {record!r:.80} is not as it was written")
