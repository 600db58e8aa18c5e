"""The segment that the log appends to. Every OSError goes up: after one, this segment is not to be used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ostraka_server.log.batch import Sealed
from ostraka_server.log.files import Directory, File
from ostraka_server.log.identity import Identity
from ostraka_server.log.layout import (
    BLOCK,
    DATA_AT,
    MARKS_AT,
    SECTOR,
    START_AT,
    UNFINISHED,
    align,
    blank_sector,
    segment_name,
)
from ostraka_server.log.manifest import Manifest


class Segment:
    """An open segment. Before a batch is written, its place and the block behind it are durably blank."""

    def __init__(self, file: File, size: int, chain: bytes, end: int, blank_ahead: int) -> None:
        """`chain` is the one that the segment began from, `end` where its log ends; what lies behind counts as junk."""
        self.file = file
        self.size = size
        self.start = align(end, BLOCK)
        """Where the next batch begins."""
        self._blank = blank_sector(chain)
        self._blank_ahead = blank_ahead
        self._blanked = self.start

    def has_room(self, length: int) -> bool:
        """Whether a batch of so many bytes fits."""
        return self.start + length <= self.size

    def append(self, batch: Sealed) -> None:
        """Write a batch that begins at `start`, and its mark; return when both are durable."""
        end = align(batch.manifest.end, BLOCK)
        if self._blanked < min(end + BLOCK, self.size):
            self.blank(end)
            self.file.sync()
        self.file.write(self.start, batch.data)
        self.file.write(MARKS_AT[batch.manifest.sequence % 2], batch.mark)
        if self._blanked < end + self._blank_ahead // 2:
            self.blank(end)
        self.file.sync()
        self.start = end

    def confirm(self, last: Manifest, copies: Sequence[int]) -> None:
        """Tell `last`, which is durable already, as such in these copies of the mark, each synced before the next."""
        mark = replace(last, durable=last.sequence).pack()
        for copy in copies:
            self.file.write(MARKS_AT[copy], mark)
            self.file.sync()

    def blank(self, end: int) -> None:
        """Blank what is not yet blank before `end` and a good way behind it. Counts once the next sync returns."""
        target = min(align(end + max(BLOCK, self._blank_ahead), BLOCK), self.size)
        self.file.write(self._blanked, self._blank * ((target - self._blanked) // SECTOR))
        self._blanked = target


def create_segment(directory: Directory, identity: Identity, first: Manifest, blank_ahead: int) -> Segment:
    """A new segment that begins after `first`, durable in every part before it gets its name."""
    name = segment_name(identity.number)
    file = directory.create(name + UNFINISHED, identity.size)
    segment = Segment(file, identity.size, first.chain, DATA_AT, blank_ahead)
    file.write(0, identity.pack())
    for at in (START_AT, *MARKS_AT):
        file.write(at, first.pack())
    segment.blank(DATA_AT)
    file.sync()
    directory.rename(name + UNFINISHED, name)
    directory.sync()
    return segment
