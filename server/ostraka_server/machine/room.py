"""How much of a state a read may look at before something else has its turn.

It is counted in keys that the store counts. A row costs more: it comes to Python, which takes some 4 us against 0.1,
and its bytes are checked.
"""

from __future__ import annotations

from collections.abc import Iterator

from ostraka_server.machine.base import Row

ROW_EFFORT = 64
"""To look at a row, and again for every so many bytes of it, takes as long as counting so many keys."""

_BYTES_EFFORT_BITS = 6
"""A unit for each 64 bytes: 1 MiB is read and checked in about a millisecond."""


class RoomSpent(Exception):
    """More would have to be looked at than there was room for."""


class Room:
    """Room for so many rows of ordinary size."""

    __slots__ = ("left",)

    def __init__(self, rows: int) -> None:
        self.left = rows * ROW_EFFORT
        """Below 0 it is spent. Rows and counts add up, so that it does not matter in which pieces they came."""

    @property
    def is_spent(self) -> bool:
        return self.left < 0

    def look_at(self, row: Row) -> None:
        """A row was read."""
        self.left -= ROW_EFFORT + (len(row[0]) + len(row[1]) >> _BYTES_EFFORT_BITS)

    def count(self, keys: int) -> None:
        """So many keys were counted."""
        self.left -= keys

    def each(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows, as long as there is room. Raises RoomSpent."""
        for row in rows:
            self.look_at(row)
            if self.is_spent:
                raise RoomSpent
            yield row
