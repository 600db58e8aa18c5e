"""What the log does when it is opened: read everything, refuse or end the torn tail, and make sure that it stays so."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise

from ostraka_server.log.batch import Image
from ostraka_server.log.errors import Damage, LogCorrupt, LogRefused
from ostraka_server.log.files import Directory, File
from ostraka_server.log.identity import IDENTITY_BYTES, Identity, unpack_identity
from ostraka_server.log.layout import FIRST_SEGMENT, MARKS_AT, SLOT, START_AT, blank_sector, segment_name
from ostraka_server.log.manifest import Manifest, unpack_manifest
from ostraka_server.log.reader import Reader
from ostraka_server.log.record import Unreadable
from ostraka_server.log.segment import Segment
from ostraka_server.log.walk import walk


@dataclass(slots=True)
class _Found:
    """A segment as it lies on the disk. `marks` are its readable ones, by copy."""

    file: File
    identity: Identity
    first: Manifest
    marks: dict[int, Manifest]


@dataclass(slots=True)
class Recovered:
    """The last segment, open; its last batch, known durable now; and a reader of all entries."""

    segment: Segment
    last: Manifest
    reader: Reader


def recover(directory: Directory, owner: bytes, numbers: list[int], blank_ahead: int) -> Recovered:
    """Reads all segments, `numbers` ascending, and makes the last one ready to append to.

    Raises LogRefused, or LogCorrupt with all damage that was found, and then has changed nothing; OSError.
    """
    missing = sorted(set(range(FIRST_SEGMENT, numbers[-1])) - set(numbers))
    if missing:
        raise LogCorrupt([Damage("segment", number, 0) for number in missing])
    with ExitStack() as opened:
        found = [_look_at(directory, number, owner, opened) for number in numbers]
        newest = found[-1]
        if not newest.marks:
            raise LogCorrupt([Damage("mark", numbers[-1], at) for at in MARKS_AT])
        reader = Reader(directory)
        damaged: list[Damage] = []
        for older, following in pairwise(found):
            _read(older, following.first, reader, damaged)
        last, image = _read(newest, None, reader, damaged)
        if damaged:
            raise LogCorrupt(damaged)
    directory.sync()  # the newest name, too, may be in memory only
    segment = _settle(directory.open(segment_name(numbers[-1])), newest, image, last, blank_ahead)
    return Recovered(segment, last, reader)


def _look_at(directory: Directory, number: int, owner: bytes, opened: ExitStack) -> _Found:
    file = directory.open(segment_name(number))
    opened.callback(file.close)
    try:
        identity = unpack_identity(file.read(0, IDENTITY_BYTES))
        first = unpack_manifest(file.read(START_AT, SLOT), 0)
    except Unreadable as piece:
        raise LogCorrupt([Damage("header", number, piece.at)]) from None
    if identity.owner != owner:
        raise LogRefused(
            f"the acceptor log belongs to {identity.owner!r}, not to {owner!r}: start the node it belongs to"
        )
    if identity.number != number or first.segment != number:
        raise LogCorrupt([Damage("header", number, 0)])
    marks = {}
    for copy, at in enumerate(MARKS_AT):
        with suppress(Unreadable):
            marks[copy] = unpack_manifest(file.read(at, SLOT), 0)
    return _Found(file, identity, first, marks)


def _read(segment: _Found, following: Manifest | None, reader: Reader, damaged: list[Damage]) -> tuple[Manifest, Image]:
    """Adds what a segment holds to `reader` and `damaged`. `following` is what the next segment began from."""
    size = segment.identity.size
    image = Image(segment.file.read(0, size), size, blank_sector(segment.first.chain))
    last = segment.first
    for piece in walk(image, last, list(segment.marks.values()), following.sequence if following else None):
        if isinstance(piece, Damage):
            damaged.append(piece)
            continue
        last = piece
        reader.note(last)
    if following and following.previous != last.chain and not damaged:
        damaged.append(Damage("header", following.segment, START_AT))
    return last, image


def _settle(file: File, found: _Found, image: Image, last: Manifest, blank_ahead: int) -> Segment:
    """Make durable what was read: the last batch perhaps was not yet, and the marks may speak of one that is torn.

    The last batch is written anew, since a sync that failed before the restart may have left it in the page cache
    only, counted there as saved. The newest mark is replaced last, so that a good one is there if the power fails.
    """
    segment = Segment(file, found.identity.size, found.first.chain, last.end, blank_ahead)
    file.write(last.start, image.data[last.start : last.end])
    file.sync()
    newest = max(found.marks, key=lambda copy: found.marks[copy].sequence)
    segment.confirm(last, (1 - newest, newest))
    return segment
