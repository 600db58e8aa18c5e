"""The one row of `state`: the machine's state but its rows, and what all rows must add up to."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

from ostraka_server.store.checksums import Total
from ostraka_server.store.errors import DamagedStore

_NUMBERS = struct.Struct(">qqqq")

STATE = "applied_slot, revision, digest, rows, crcs, crc"
"""The columns, as `checked_state` wants them."""


class StoredState(NamedTuple):
    """The machine's state but its rows; field by field `machine.MachineState`, which this layer does not import."""

    applied_slot: int
    revision: int
    digest: bytes


def read_state(connection: sqlite3.Connection, name: str) -> tuple[StoredState | None, Total]:
    """As the last transaction left it; None, and nothing, before the first. Raises DamagedStore, sqlite3.Error."""
    row = connection.execute(f"SELECT {STATE} FROM state").fetchone()
    return (None, Total(0, 0)) if row is None else checked_state(row, name)


def checked_state(row: Sequence[Any], name: str) -> tuple[StoredState, Total]:
    """The row's cells. Raises DamagedStore where they are not those that were written."""
    state, total = StoredState(*row[:3]), Total(*row[3:5])
    try:
        if row[5] == _crc(state, total):
            return state, total
    except (TypeError, struct.error):  # damage changes types, too
        pass
    raise DamagedStore(name, "its state is not as it was written")


def write_state(connection: sqlite3.Connection, state: StoredState, total: Total) -> None:
    """In place of the last one. Raises sqlite3.Error."""
    row = (0, *state, *total, _crc(state, total))
    connection.execute(f"INSERT OR REPLACE INTO state (id, {STATE}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _crc(state: StoredState, total: Total) -> int:
    return crc32(_NUMBERS.pack(state.applied_slot, state.revision, *total), crc32(state.digest))
