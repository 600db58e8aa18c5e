"""Reading entries back: where the records of each group lie, and the one file that was read last, kept open."""

from __future__ import annotations

from collections.abc import Iterator

from ostraka_server.log.errors import Damage, LogCorrupt
from ostraka_server.log.files import Directory, File
from ostraka_server.log.index import Location, SlotIndex
from ostraka_server.log.layout import segment_name
from ostraka_server.log.manifest import Manifest
from ostraka_server.log.record import HEADER_BYTES, Unreadable, payload_at, unpack_header
from ostraka_server.log.values import LoggedEntry


class Reader:
    """Knows the records of every batch that it was told of, which must be on the disk."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._indexes: dict[int, SlotIndex] = {}
        self._opened: tuple[int, File] | None = None

    def note(self, batch: Manifest) -> None:
        """Remember where the batch's records lie."""
        for at, record in batch.records():
            self._indexes.setdefault(record.group, SlotIndex()).note(record, batch.segment, at)

    def read(self, group: int, first: int, through: int, max_bytes: int) -> list[LoggedEntry]:
        """The entries of [first, through] up to the first gap, of `max_bytes` of payload or one entry.

        Raises LogCorrupt where one cannot be read back.
        """
        index = self._indexes.get(group, _NOTHING)
        entries: list[LoggedEntry] = []
        size = 0
        for slot in range(first, through + 1):
            location = index.find(slot)
            if location is None:
                break
            size += location.length
            if entries and size > max_bytes:
                break
            entries.append(self._entry(group, slot, location))
        return entries

    def above(self, group: int, slot: int) -> Iterator[LoggedEntry]:
        """Every entry of the group above `slot`, by slot, gaps or not. Raises LogCorrupt."""
        for found, location in self._indexes.get(group, _NOTHING).above(slot):
            yield self._entry(group, found, location)

    def close(self) -> None:
        if self._opened:
            self._opened[1].close()
            self._opened = None

    def _entry(self, group: int, slot: int, location: Location) -> LoggedEntry:
        try:
            data = memoryview(self._file(location.segment).read(location.at, HEADER_BYTES + location.length))
            record = unpack_header(data, 0)
            if (record.group, record.slot, record.ballot) != (group, slot, location.ballot):
                raise Unreadable(0, len(data))
            return LoggedEntry(slot, record.ballot, bytes(payload_at(data, 0, record)))
        except (OSError, Unreadable) as error:
            damage = Damage("entry", location.segment, location.at, group, slot, location.ballot)
            raise LogCorrupt([damage]) from error

    def _file(self, segment: int) -> File:
        if self._opened and self._opened[0] == segment:
            return self._opened[1]
        self.close()
        file = self._directory.open(segment_name(segment))
        self._opened = (segment, file)
        return file


_NOTHING = SlotIndex()
