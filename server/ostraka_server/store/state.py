"""The one row of `state`: the machine's state but its rows and records, and what these must add up to."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from ostraka_server.store.checksums import Total
from ostraka_server.store.errors import DamagedStore

_NUMBERS = struct.Struct(">8q")

STATE = "applied_slot, revision, digest, kv_rows, kv_crcs, past_rows, past_crcs, record_rows, record_crcs, crc"
"""The columns, as `checked_state` wants them."""


class StoredState(NamedTuple):
    """The machine's state but its rows; field by field `machine.MachineState`, which this layer does not import."""

    applied_slot: int
    revision: int
    digest: bytes


class Totals(NamedTuple):
    """What the rows of each table add up to."""

    kv: Total = Total()
    past: Total = Total()
    record: Total = Total()


def read_state(connection: sqlite3.Connection, name: str) -> tuple[StoredState | None, Totals]:
    """As the last transaction left it; None, and nothing, before the first. Raises DamagedStore, sqlite3.Error."""
    row = connection.execute(f"SELECT {STATE} FROM state").fetchone()
    return (None, Totals()) if row is None else checked_state(row, name)


def checked_state(row: Sequence[Any], name: str) -> tuple[StoredState, Totals]:
    """The row's cells. Raises DamagedStore where they are not those that were written."""
    state, totals = StoredState(*row[:3]), Totals(Total(*row[3:5]), Total(*row[5:7]), Total(*row[7:9]))
    try:
        if row[9] == _crc(state, totals):
            return state, totals
    except (TypeError, struct.error):  # damage changes types, too
        pass
    raise DamagedStore(name, "its state is not as it was written")


def write_state(connection: sqlite3.Connection, state: StoredState, totals: Totals) -> None:
    """In place of the last one. Raises sqlite3.Error."""
    row = (0, *state, *chain.from_iterable(totals), _crc(state, totals))
    connection.execute(f"INSERT OR REPLACE INTO state (id, {STATE}) VALUES ({', '.join('?' * len(row))})", row)


def _crc(state: StoredState, totals: Totals) -> int:
    numbers = (state.applied_slot, state.revision, *chain.from_iterable(totals))
    return crc32(_NUMBERS.pack(*numbers), crc32(state.digest))
