"""Transactions: of the writer, and of whoever reads several things of one checkpoint."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of what is written within is committed or, when this raises, none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """What is read within is of one checkpoint."""
    if connection.in_transaction:  # of whoever reads around it
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # else an error has ended it
            connection.execute("COMMIT")
