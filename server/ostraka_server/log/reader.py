"""Reading entries back: where the records of each group lie, and the one file that was read last, kept open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ostraka_server.log.errors import Damage, EntryDamaged
from ostraka_server.log.files import Directory, File
from ostraka_server.log.index import Location, SlotIndex
from ostraka_server.log.layout import segment_name
from ostraka_server.log.manifest import Manifest
from ostraka_server.log.record import HEADER_BYTES, Unreadable, payload_at, unpack_header
from ostraka_server.log.values import FaultySlot, Held, LoggedEntry


class Reader:
    """Knows the records of every batch that it was told of, which must be on the disk."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._indexes: dict[int, SlotIndex] = {}
        self._faulty: dict[int, dict[int, FaultySlot]] = {}
        self._opened: tuple[int, File] | None = None

    def note(self, batch: Manifest) -> None:
        """Remember where the batch's records lie. A record that follows on a damaged one takes its place."""
        for at, record in batch.records():
            self._indexes.setdefault(record.group, SlotIndex()).note(record, batch.segment, at)
            if record.group in self._faulty:
                self._faulty[record.group].pop(record.slot, None)

    def note_damage(self, damage: Damage) -> None:
        """An entry of the batch noted last cannot be read. That matters if it is the last one of its slot."""
        location = self._indexes[damage.group].find(damage.slot)
        if location is not None and (location.segment, location.at) == (damage.segment, damage.offset):
            faulty = FaultySlot(damage.slot, damage.ballot, damage.hash)
            self._faulty.setdefault(damage.group, {})[damage.slot] = faulty

    def faulty(self, group: int) -> tuple[FaultySlot, ...]:
        """The slots whose entries are known to be unreadable, ascending."""
        return tuple(sorted(self._faulty.get(group, {}).values()))

    def faulty_slot(self, group: int, slot: int) -> FaultySlot | None:
        """The same of one slot."""
        return self._faulty.get(group, {}).get(slot)

    def unreadable(self, group: int) -> int:
        """How many slots are faulty now. May be asked while another thread works here."""
        return len(self._faulty.get(group, ()))

    def held(self, group: int) -> Held:
        """How much there is of a group."""
        return self._indexes.get(group, _NOTHING).held

    def read(self, group: int, first: int, through: int, max_bytes: int) -> list[LoggedEntry]:
        """The entries of [first, through] up to the first gap or faulty slot, of `max_bytes` of payload or one entry.

        Raises EntryDamaged where one cannot be read back.
        """
        index, faulty = self._indexes.get(group, _NOTHING), self._faulty.get(group, {})
        entries: list[LoggedEntry] = []
        size = 0
        for slot in range(first, through + 1):
            location = index.find(slot)
            if location is None or slot in faulty:
                break
            size += location.length
            if entries and size > max_bytes:
                break
            entries.append(self._entry(group, slot, location))
        return entries

    def above(self, group: int, slot: int) -> Iterator[LoggedEntry]:
        """Every entry of the group above `slot`, by slot, gaps or not, but the faulty ones. Raises EntryDamaged."""
        faulty = self._faulty.get(group, {})
        for found, location in self._indexes.get(group, _NOTHING).above(slot):
            if found not in faulty:
                yield self._entry(group, found, location)

    def lacks(self, group: int, first: int, through: int) -> int:
        """The highest slot of [first, through] that has no readable entry; first - 1 where all have one."""
        index, faulty = self._indexes.get(group, _NOTHING), self._faulty.get(group, {})
        for slot in range(through, first - 1, -1):
            if index.find(slot) is None or slot in faulty:
                return slot
        return first - 1

    def drop(self, group: int, through: int) -> None:
        """Forget a group's slots up to `through`."""
        if group in self._indexes:
            self._indexes[group].drop(through)
        faulty = self._faulty.get(group, {})
        self._faulty[group] = {slot: each for slot, each in faulty.items() if slot > through}

    def segments(self) -> Counter[int]:
        """Bytes of the records that are needed, by segment."""
        needed: Counter[int] = Counter()
        for index in self._indexes.values():
            needed.update(index.segments)
        return needed

    def has_faulty(self, segment: int) -> bool:
        """Whether the segment holds what cannot be copied elsewhere."""
        for group, slots in self._faulty.items():
            located = (self._indexes[group].find(slot) for slot in slots)
            if any(location is not None and location.segment == segment for location in located):
                return True
        return False

    def entries_in(self, segment: int) -> Iterator[tuple[int, LoggedEntry]]:
        """Every entry that is needed of a segment, with its group. Raises EntryDamaged."""
        for group, index in self._indexes.items():
            if segment in index.segments:
                for slot, location in index.above(0):
                    if location.segment == segment:
                        yield group, self._entry(group, slot, location)

    def close(self) -> None:
        """Let go of the file; the next read opens it again."""
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
            raise EntryDamaged(damage) from error

    def _file(self, segment: int) -> File:
        if self._opened and self._opened[0] == segment:
            return self._opened[1]
        self.close()
        file = self._directory.open(segment_name(segment))
        self._opened = (segment, file)
        return file


_NOTHING = SlotIndex()
