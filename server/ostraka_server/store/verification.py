"""All of a store read and checked: what is there is what was written last, and every row can be found."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from operator import lt
from pathlib import Path
from typing import Any

from ostraka_server.store import blocks
from ostraka_server.store.checksums import BATCH_ROWS, COLUMNS, RECORD, Total, check_all, checked_record
from ostraka_server.store.errors import UNDERLYING, DamagedStore, StoreError, named
from ostraka_server.store.state import Totals, read_state

SOUND, FAILED, DAMAGED = 0, 1, 2
"""How `python -m ostraka_server.store` exits."""


def verify(connection: sqlite3.Connection, name: str) -> int:
    """Check the store `name`, which nobody writes meanwhile; its applied slot. Raises DamagedStore, StoreError."""
    try:
        state, totals = read_state(connection, name)
        found = Totals(_current(connection, name), _past(connection, name), _records(connection, name))
    except UNDERLYING as error:
        raise named(name, error) from error
    for table, expected, have in zip(Totals._fields, totals, found, strict=True):
        if have != expected:
            what = f"{table} should have {expected.rows} rows and has {have.rows}, not all of them written last"
            raise DamagedStore(name, what)
    return 0 if state is None else state.applied_slot


def verify_file(path: Path) -> int:
    """The same in a process of its own, from any thread. Raises DamagedStore, StoreError, OSError.

    A thread next to a busy loop would get Python's lock back after 5 ms, for every row (see `statements.py`).
    """
    command = (sys.executable, "-P", "-m", "ostraka_server.store", str(path))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == SOUND:
        return int(done.stdout)
    said = done.stderr.strip()
    if done.returncode == DAMAGED:
        raise DamagedStore(str(path), said)
    raise StoreError(f"{path} could not be checked (exit status {done.returncode}): {said}")


def _current(connection: sqlite3.Connection, name: str) -> Total:
    total, order = Total(), _Order(name)
    for columns in _batches(connection, f"SELECT {COLUMNS} FROM kv ORDER BY key"):
        total = total.plus(check_all(columns, name))
        order.follow(columns[0])
    return total


def _past(connection: sqlite3.Connection, name: str) -> Total:
    total, order = Total(), _Order(name)
    query = f"SELECT {blocks.COLUMNS} FROM past ORDER BY run, key, end_revision"
    with closing(connection.execute(query)) as cursor:
        for cells in cursor:
            blocks.check(cells, name)
            total = total.plus(Total(cells[3], cells[5]))
            order.follow((cells[:3],))
    return total


def _records(connection: sqlite3.Connection, name: str) -> Total:
    total, order = Total(), _Order(name)
    for names, values, crcs in _batches(connection, f"SELECT {RECORD} FROM record ORDER BY name"):
        for record in zip(names, values, crcs, strict=True):
            checked_record(record, name)
        total = total.plus(Total(len(crcs), sum(crcs)))
        order.follow(names)
    return total


class _Order:
    """A tree is searched by the order of its keys: rows that all follow on one another can all be found."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: tuple[Any, ...] = ()

    def follow(self, places: tuple[Any, ...]) -> None:
        """The next rows'. Raises DamagedStore."""
        places = self._last + places
        try:
            if all(map(lt, places, islice(places, 1, None))):
                self._last = places[-1:]
                return
        except TypeError:  # damage changes types, too
            pass
        raise DamagedStore(self._name, f"a row is not in its place, after {self._last!r:.80}")


def _batches(connection: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """Some rows at a time, as the cells of each column."""
    with closing(connection.execute(query)) as cursor:
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield list(zip(*rows, strict=True))
