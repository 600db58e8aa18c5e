"""Decided entries that wait to be applied: the next ones in memory, the rest in the log, where all of them are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ostraka_server.paxos import Entry

BACKLOG_BYTES_MAX = 16 << 20
"""Payload bytes in memory; beyond, entries are read from the log once their turn comes."""


class Backlog:
    """Slots leave in order, from the one after `applied` on."""

    def __init__(self, applied: int) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._last = applied

    def __bool__(self) -> bool:
        return bool(self._entries)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep those that follow on what is here, as far as there is room."""
        for entry in entries:
            if entry.slot == self._last + 1 and (not self._entries or self._bytes < BACKLOG_BYTES_MAX):
                self._entries.append(entry)
                self._bytes += len(entry.payload)
                self._last = entry.slot

    def take(self) -> Entry:
        """The next entry."""
        entry = self._entries.popleft()
        self._bytes -= len(entry.payload)
        return entry

    def restart(self, applied: int) -> None:
        """Everything through `applied` has been had otherwise."""
        self._entries.clear()
        self._bytes = 0
        self._last = applied

    def unread(self, decided_through: int) -> tuple[int, int] | None:
        """First and last slot to be read from the log now, where nothing is here but something is decided."""
        if self._entries or self._last >= decided_through:
            return None
        return self._last + 1, decided_through
