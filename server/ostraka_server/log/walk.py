"""Reading a segment back: which batches it holds, where its log ends, and what is damaged.

The rule that tells a torn tail from damage stands in `_is_torn`; DESIGN.md argues it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ostraka_server.log.batch import Image
from ostraka_server.log.errors import Damage
from ostraka_server.log.manifest import Manifest, unpack_manifest
from ostraka_server.log.record import Unreadable, payload_at, unpack_header


def walk(image: Image, first: Manifest, marks: Sequence[Manifest], through: int | None) -> Iterator[Manifest | Damage]:
    """Every batch after `first`, in order, as far as the segment's log goes, each followed by the damage found in it.

    That is through batch `through` where a later segment tells it, else as far as anything follows. A batch that
    nothing lists is a damage by itself.
    """
    last = first
    while through is None or last.sequence < through:
        try:
            batch = image.next_batch(last)
        except Unreadable as piece:
            listed = [*marks, *image.footers_from(last.end)]
            if through is None and _is_torn(image, piece, last, listed):
                return
            known = _manifest_of_next(last, listed)
            if known is not None:
                yield known
                yield from _damage(image, known)
                last = known
                continue
            yield Damage("batch", last.segment, piece.at)
            resumed = _before_next_footer(last, listed)
            if resumed is None:
                return
            last = resumed
            continue
        if any(mark.sequence == batch.sequence and mark.chain != batch.chain for mark in marks):
            yield Damage("mark", batch.segment, batch.start)
        yield batch
        last = batch


def _is_torn(image: Image, piece: Unreadable, last: Manifest, listed: Sequence[Manifest]) -> bool:
    """Whether the batch after `last` can be one whose sync never returned, or none at all; else it is damaged.

    It cannot when a mark or footer says that it was durable. Otherwise it is torn exactly if a sector of the piece
    that cannot be read is still blank: a sync that returned leaves no sector unwritten, and no decay makes one blank.
    """
    durable = max((manifest.durable for manifest in listed if manifest.sequence > last.sequence), default=0)
    return last.sequence >= durable and (piece.at >= len(image.data) or image.has_blank(piece))


def _damage(image: Image, batch: Manifest) -> Iterator[Damage]:
    """What of the batch is unreadable."""
    for at, record in batch.records():
        try:
            intact = unpack_header(image.view, at) == record
            payload_at(image.view, at, record)
        except Unreadable:
            intact = False
        if not intact:
            yield Damage("entry", batch.segment, at, record.group, record.slot, record.ballot, record.hash)
    try:
        unpack_manifest(image.view, batch.footer_at)
    except Unreadable:
        yield Damage("footer", batch.segment, batch.footer_at)


def _before_next_footer(last: Manifest, listed: Sequence[Manifest]) -> Manifest | None:
    """What to go on from behind a batch that nothing lists: what precedes the nearest footer after it."""
    later = [footer for footer in listed if footer.sequence > last.sequence + 1 and footer.start > last.end]
    if not later:
        return None
    nearest = min(later, key=lambda footer: footer.sequence)
    return replace(nearest, sequence=nearest.sequence - 1, end=nearest.start, chain=nearest.previous)


def _manifest_of_next(last: Manifest, listed: Sequence[Manifest]) -> Manifest | None:
    for manifest in listed:
        if manifest.sequence == last.sequence + 1 and manifest.previous == last.chain:
            return manifest
    return None
