"""The rows of one state, wherever they lie: the present, the past, or what a transaction sees of its own writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from ostraka_server.machine.base import Row


class Rows(Protocol):
    """Key ranges are `[start, end)`, keys compare as bytes, an `end` of None means no end."""

    def get(self, key: bytes) -> Row | None:
        """The row of `key`, if it exists."""

    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> AbstractContextManager[Iterator[Row]]:
        """Rows in ascending order, or in `descending`, read as they are iterated; values are empty unless `values`.

        Nothing may be written until it is left."""

    def count(self, start: bytes, end: bytes | None) -> int:
        """How many keys exist."""

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        """A key between the two bounds where to divide a long range: about so many keys of it lie before. None where
        it is not as long. Only a hint, which depends on what has been flushed; at the cost of a count."""
