"""What the log does when it is opened: read everything, refuse or end the torn tail, and make sure that it stays so."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise

from ostraka_server.log.batch import Image
from ostraka_server.log.errors import Damage, LogCorrupt, LogRefused
from ostraka_server.log.files import Directory, File
from ostraka_server.log.identity import IDENTITY_BYTES, Identity, unpack_identity
from ostraka_server.log.layout import MARKS_AT, SLOT, START_AT, blank_sector, segment_name
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
class _Content:
    """What a segment was found to hold. `named` damage can be repaired, `unnamed` cannot."""

    image: Image
    last: Manifest
    batches: list[Manifest] = field(default_factory=list)
    named: list[Damage] = field(default_factory=list)
    unnamed: list[Damage] = field(default_factory=list)


@dataclass(slots=True)
class Recovered:
    """The last segment, open; its last batch, known durable now; and a reader of all entries."""

    segment: Segment
    last: Manifest
    reader: Reader


def recover(directory: Directory, owner: bytes, numbers: list[int], blank_ahead: int) -> Recovered:
    """Reads all segments, `numbers` ascending, and makes the last one ready to append to.

    Raises LogRefused, or LogCorrupt with all unnamed damage that was found, and then has changed nothing; OSError.
    """
    with ExitStack() as opened:
        newest = _look_at(directory, numbers[-1], owner, opened)
        if not newest.marks:
            raise LogCorrupt([Damage("mark", numbers[-1], at) for at in MARKS_AT])
        end = _read(newest, None)
        oldest = end.last.oldest  # files before it are the rest of an interrupted truncation
        missing = sorted(set(range(oldest, numbers[-1])) - set(numbers))
        if missing:
            raise LogCorrupt([Damage("segment", number, 0) for number in missing])
        found = [_look_at(directory, number, owner, opened) for number in range(oldest, numbers[-1])]
        contents = [_read(older, later.first) for older, later in pairwise([*found, newest])]
        contents.append(end)
        unnamed = [damage for content in contents for damage in content.unnamed]
        if unnamed:
            raise LogCorrupt(unnamed)
        read = zip([*found, newest], contents, strict=True)
        restored = sum(_put_footers_back(each.file, content) for each, content in read)
    if restored:
        return recover(directory, owner, numbers, blank_ahead)
    directory.sync()  # the newest name, too, may be in memory only
    segment = _settle(directory.open(segment_name(numbers[-1])), newest, end, blank_ahead)
    return Recovered(segment, end.last, _reader(directory, contents))


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


def _read(segment: _Found, following: Manifest | None) -> _Content:
    """What a segment holds. `following` is what the next segment began from."""
    size = segment.identity.size
    image = Image(segment.file.read(0, size), size, blank_sector(segment.first.chain))
    content = _Content(image, segment.first)
    marks = list(segment.marks.values())
    for piece in walk(image, segment.first, marks, following.sequence if following else None):
        if isinstance(piece, Manifest):
            content.batches.append(piece)
            content.last = piece
        elif piece.kind in ("entry", "footer"):
            content.named.append(piece)
        else:
            content.unnamed.append(piece)
    if following and following.previous != content.last.chain and not content.unnamed:
        content.unnamed.append(Damage("header", following.segment, START_AT))
    return content


def _put_footers_back(file: File, content: _Content) -> int:
    """Write the footers again that only a mark still tells, which will soon tell of other batches. How many."""
    damaged = {damage.offset for damage in content.named if damage.kind == "footer"}
    footers = [batch for batch in content.batches if batch.footer_at in damaged]
    for batch in footers:
        file.write(batch.footer_at, batch.pack())
    if footers:
        file.sync()
    return len(footers)


def _settle(file: File, found: _Found, content: _Content, blank_ahead: int) -> Segment:
    """Make durable what was read: the last batch perhaps was not yet, and the marks may speak of one that is torn.

    The last batch is written anew, since a sync that failed before the restart may have left it in the page cache
    only, counted there as saved. The newest mark is replaced last, so that a good one is there if the power fails.
    """
    last = content.last
    segment = Segment(file, found.identity.size, found.first.chain, last.end, blank_ahead)
    file.write(last.start, content.image.data[last.start : last.end])
    file.sync()
    newest = max(found.marks, key=lambda copy: found.marks[copy].sequence)
    segment.confirm(last, (1 - newest, newest))
    return segment


def _reader(directory: Directory, contents: list[_Content]) -> Reader:
    reader = Reader(directory)
    for content in contents:
        damaged = {(damage.group, damage.slot, damage.offset): damage for damage in content.named}
        for batch in content.batches:
            reader.note(batch)
            for at, record in batch.records() if damaged else ():
                if (damage := damaged.get((record.group, record.slot, at))) is not None:
                    reader.note_damage(damage)
    for group, state in contents[-1].last.groups().items():
        reader.drop(group, state.base)
    return reader
