"""What SQLite does not keep: checksums, so that a store that can be read is the store that was written.

Rule 1: a row's CRC covers its key, revisions and version, and its value through the value's own CRC: so a read that
leaves the value where it is can check the rest.
Rule 2: beside the state stand the number of all rows and the sum of their CRCs, kept by every transaction: a row that
vanished, came twice or is an old one changes the number or, but for one case in 2^32, the sum.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

from ostraka_server.store.errors import DamagedStore

ROW = "key, value, create_revision, mod_revision, version, value_crc, crc"
"""The columns of `kv`, as `checked` wants them."""

ROW_WITHOUT_VALUE = "key, x'', create_revision, mod_revision, version, value_crc, crc"
"""The same with an empty value, which costs no reading of it."""

RowFields = tuple[bytes, bytes, int, int, int]
"""Key, value, create revision, mod revision, version."""

_NUMBERS = struct.Struct(">qqqI")


class Total(NamedTuple):
    """Of all rows, or of some. The sum is exact: SQLite's integers hold that of 2^31 rows."""

    rows: int
    crcs: int

    def changed(self, *, less: Total, plus: Total) -> Total:
        """After `less` was taken away and `plus` added."""
        return Total(self.rows - less.rows + plus.rows, self.crcs - less.crcs + plus.crcs)


def row_crc(key: bytes, value_crc: int, create_revision: int, mod_revision: int, version: int) -> int:
    """32 bits over a row. Raises TypeError, struct.error for what no row can hold."""
    return crc32(_NUMBERS.pack(create_revision, mod_revision, version, value_crc), crc32(key))


def checked(row: Sequence[Any], name: str, *, with_value: bool = True) -> RowFields:
    """A row of the store `name` without its CRCs. Raises DamagedStore where they are not those of the rest."""
    key, value, create_revision, mod_revision, version, value_crc, crc = row
    try:
        intact = crc == row_crc(key, value_crc, create_revision, mod_revision, version)
        if intact and (not with_value or crc32(value) == value_crc):
            return key, value, create_revision, mod_revision, version
    except (TypeError, struct.error):  # damage changes types, too
        pass
    raise DamagedStore(name, f"the row of key {key!r:.80} is not as it was written")
