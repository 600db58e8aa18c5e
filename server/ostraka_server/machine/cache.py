"""Rows that the checkpoint holds too, kept to spare reading them again. Bounded in bytes."""

from __future__ import annotations

from collections.abc import Mapping

from ostraka_server.machine.base import Row
from ostraka_server.machine.overlay import ROW_OVERHEAD_BYTES
from ostraka_server.machine.unknown import UNKNOWN, Unknown


class Cache:
    """Two generations: what is asked for moves to the young one, and a full young one replaces the old.

    None stands for a key known to be absent. Bytes are counted high (a key put twice counts twice), never low.
    """

    def __init__(self, bytes_max: int) -> None:
        self._half = bytes_max // 2
        self._young: dict[bytes, Row | None] = {}
        self._old: dict[bytes, Row | None] = {}
        self._young_bytes = 0

    def get(self, key: bytes) -> Row | Unknown | None:
        """The cached row, None if the key is known to be absent, UNKNOWN if nothing is known of it."""
        row = self._young.get(key, UNKNOWN)
        if row is UNKNOWN:
            row = self._old.get(key, UNKNOWN)
            if row is not UNKNOWN:
                self.put(key, row)
        return row

    def put(self, key: bytes, row: Row | None) -> None:
        """Remember what the checkpoint holds for `key`."""
        size = ROW_OVERHEAD_BYTES + len(key) + (len(row.value) if row is not None else 0)
        if self._make_room(size):
            self._young[key] = row

    def absorb(self, rows: Mapping[bytes, Row | None], size: int) -> None:
        """Take over a flushed layer of `size` bytes. Whatever was known of its keys is out of date, so if it does not
        fit everything else goes too."""
        if self._make_room(size):
            self._young.update(rows)
        else:
            self._young, self._old, self._young_bytes = {}, {}, 0

    def _make_room(self, size: int) -> bool:
        if size > self._half:
            return False
        if self._young_bytes + size > self._half:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young_bytes += size
        return True
