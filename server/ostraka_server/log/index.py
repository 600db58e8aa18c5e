"""Where each slot's last record lies: 16 bytes a slot, in chunks, so that gaps cost little."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ostraka_server.log.record import HEADER_BYTES, Record
from ostraka_server.log.values import BallotTuple, Held

_CHUNK_SLOTS = 512
_OFFSET_BITS = 40
_LENGTH_BITS = 32
_LENGTH_MASK = (1 << _LENGTH_BITS) - 1
_EMPTY = array("Q", bytes(16 * _CHUNK_SLOTS))


class Location(NamedTuple):
    """A record's ballot, the segment and offset of its header, and its payload's length."""

    ballot: BallotTuple
    segment: int
    at: int
    length: int


class SlotIndex:
    """The slots of one group. The last location noted for a slot wins."""

    def __init__(self) -> None:
        # A slot has two words: segment and offset (0 where there is no record), then ballot number and length.
        self._chunks: dict[int, array[int]] = {}
        self._ballots: list[BallotTuple] = []
        self._numbers: dict[BallotTuple, int] = {}
        self._slots = 0
        self.segments: Counter[int] = Counter()
        """Bytes of each segment's records that are the last ones of their slots."""

    @property
    def held(self) -> Held:
        """How many slots have a record, and the bytes of those."""
        return Held(self._slots, self.segments.total())

    def note(self, record: Record, segment: int, at: int) -> None:
        """`record` lies at offset `at` of `segment`."""
        ballot = record.ballot
        number = self._numbers.get(ballot)
        if number is None:
            number = self._numbers[ballot] = len(self._ballots)
            self._ballots.append(ballot)
        chunk_number, place = divmod(record.slot, _CHUNK_SLOTS)
        chunk = self._chunks.get(chunk_number)
        if chunk is None:
            chunk = self._chunks[chunk_number] = _EMPTY[:]
        self._forget(chunk, place)
        self._slots += 1
        self.segments[segment] += record.size
        chunk[2 * place] = segment << _OFFSET_BITS | at
        chunk[2 * place + 1] = number << _LENGTH_BITS | record.length

    def find(self, slot: int) -> Location | None:
        """Where the slot's last record lies, None where there is none."""
        chunk_number, place = divmod(slot, _CHUNK_SLOTS)
        chunk = self._chunks.get(chunk_number)
        if chunk is None or not chunk[2 * place]:
            return None
        where, what = chunk[2 * place], chunk[2 * place + 1]
        segment, at = where >> _OFFSET_BITS, where & ((1 << _OFFSET_BITS) - 1)
        return Location(self._ballots[what >> _LENGTH_BITS], segment, at, what & _LENGTH_MASK)

    def above(self, slot: int) -> Iterator[tuple[int, Location]]:
        """Every slot above `slot` that has a record, ascending, with its location."""
        for number in sorted(self._chunks):
            first = number * _CHUNK_SLOTS
            for found in range(max(first, slot + 1), first + _CHUNK_SLOTS):
                location = self.find(found)
                if location is not None:
                    yield found, location

    def drop(self, through: int) -> None:
        """Forget every slot up to `through`."""
        for number in sorted(self._chunks):
            last = through - number * _CHUNK_SLOTS
            if last < 0:
                return
            chunk = self._chunks[number]
            for place in range(min(last + 1, _CHUNK_SLOTS)):
                self._forget(chunk, place)
            if last >= _CHUNK_SLOTS - 1:
                del self._chunks[number]

    def _forget(self, chunk: array[int], place: int) -> None:
        if where := chunk[2 * place]:
            segment = where >> _OFFSET_BITS
            self._slots -= 1
            self.segments[segment] -= HEADER_BYTES + (chunk[2 * place + 1] & _LENGTH_MASK)
            if not self.segments[segment]:
                del self.segments[segment]
            chunk[2 * place] = 0
