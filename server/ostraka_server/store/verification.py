"""All of a store read and checked: what is there is what was written last, and every row can be found."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from ostraka_server.store.checksums import ROW, Total, checked
from ostraka_server.store.errors import UNDERLYING, DamagedStore, StoreError, named
from ostraka_server.store.state import read_state

SOUND, FAILED, DAMAGED = 0, 1, 2
"""How `python -m ostraka_server.store` exits."""


def verify(connection: sqlite3.Connection, name: str) -> int:
    """Check the store `name`, which nobody writes meanwhile; its applied slot. Raises DamagedStore, StoreError."""
    try:
        state, total = read_state(connection, name)
        found = _checked_rows(connection, name)
    except UNDERLYING as error:
        raise named(name, error) from error
    if found != total:
        raise DamagedStore(name, f"it should have {total.rows} rows and has {found.rows}, not all of them written last")
    return 0 if state is None else state.applied_slot


def verify_file(path: Path) -> int:
    """The same in a process of its own, from any thread. Raises DamagedStore, StoreError, OSError.

    A thread next to a busy loop would get Python's lock back after 5 ms, for every row (see `flush.py`).
    """
    command = (sys.executable, "-P", "-m", "ostraka_server.store", str(path))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == SOUND:
        return int(done.stdout)
    said = done.stderr.strip()
    if done.returncode == DAMAGED:
        raise DamagedStore(str(path), said)
    raise StoreError(f"{path} could not be checked (exit status {done.returncode}): {said}")


def _checked_rows(connection: sqlite3.Connection, name: str) -> Total:
    """A tree is searched by the order of its keys: rows that all follow on one another can all be found."""
    rows = crcs = 0
    last: bytes | None = None
    for row in connection.execute(f"SELECT {ROW} FROM kv ORDER BY key"):
        key = checked(row, name)[0]
        if last is not None and key <= last:
            raise DamagedStore(name, f"the row of key {key!r:.80} is not in its place")
        last = key
        rows += 1
        crcs += row[-1]
    return Total(rows, crcs)
