"""A batch: what one sync makes durable. Records, then, from the next sector on, a footer that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ostraka_server.log.layout import BLOCK, SECTOR, align
from ostraka_server.log.manifest import MAGIC, STATE_BYTES, Manifest, manifest_bytes, next_chain, unpack_manifest
from ostraka_server.log.record import ENTRY, HEADER_BYTES, Unreadable, pack_header, payload_at, unpack_header


class Pending(NamedTuple):
    """A record that is yet to be written: its packed name, its payload."""

    name: bytes
    payload: bytes

    @property
    def size(self) -> int:
        return HEADER_BYTES + len(self.payload)


class Sealed(NamedTuple):
    """A batch ready to be written at `manifest.start`, and its mark. `data` is a whole number of sectors."""

    data: bytes
    mark: bytes
    manifest: Manifest


def batch_bytes(pending: Sequence[Pending], groups: int) -> int:
    """How many bytes `seal` will make of it, in whole sectors."""
    records = sum(record.size for record in pending)
    return align(records, SECTOR) + align(manifest_bytes(groups, len(pending)), SECTOR)


def seal(pending: Sequence[Pending], states: bytes, start: int, last: Manifest, oldest: int) -> Sealed:
    """The batch that follows `last` in its segment at `start`. `states` is every group's, packed."""
    headers = [pack_header(name, payload) for name, payload in pending]
    listed = b"".join(headers)
    records = _to_sector(
        b"".join([part for header, (_, payload) in zip(headers, pending, strict=True) for part in (header, payload)])
    )
    footer_bytes = align(manifest_bytes(len(states) // STATE_BYTES, len(pending)), SECTOR)
    manifest = Manifest(
        segment=last.segment,
        oldest=oldest,
        sequence=last.sequence + 1,
        durable=last.sequence,
        start=start,
        end=start + len(records) + footer_bytes,
        previous=last.chain,
        chain=next_chain(last.chain, states, listed),
        states=states,
        headers=listed,
    )
    mark = manifest.pack()
    return Sealed(records + _to_sector(mark), mark, manifest)


def _to_sector(data: bytes) -> bytes:
    return data.ljust(align(len(data), SECTOR), b"\0")


class Image:
    """A whole segment as read from the disk. What the file lacks at its end reads as zeros: never as blank."""

    def __init__(self, data: bytes, size: int, blank: bytes) -> None:
        self.data = data.ljust(size, b"\0")
        self.view = memoryview(self.data)
        self._blank = blank

    def next_batch(self, last: Manifest) -> Manifest:
        """The manifest of the batch after `last`, all of it verified. Raises Unreadable with the piece that fails."""
        at = start = align(last.end, BLOCK)
        headers = []
        while self.data[at : at + 1] == bytes((ENTRY,)):
            record = unpack_header(self.view, at)
            payload_at(self.view, at, record)
            headers.append(self.data[at : at + HEADER_BYTES])
            at += record.size
        footer_at = align(at, SECTOR)
        manifest = unpack_manifest(self.view, footer_at)
        listed = b"".join(headers)
        chain = next_chain(last.chain, manifest.states, listed)
        found = (
            manifest.segment,
            manifest.sequence,
            manifest.start,
            manifest.footer_at,
            manifest.headers,
            manifest.chain,
        )
        if found != (last.segment, last.sequence + 1, start, footer_at, listed, chain):
            raise Unreadable(start, footer_at + SECTOR - start)
        return manifest

    def has_blank(self, piece: Unreadable) -> bool:
        """Whether a sector that the piece touches was never written."""
        first = piece.at // SECTOR * SECTOR
        return any(self.data[at : at + SECTOR] == self._blank for at in range(first, piece.at + piece.length, SECTOR))

    def footers_from(self, at: int) -> list[Manifest]:
        """Every readable footer at or after `at`, found without knowing where the batches lie."""
        footers = []
        while (at := self.data.find(MAGIC, at)) >= 0:
            with suppress(Unreadable):
                footer = unpack_manifest(self.view, at)
                if footer.footer_at == at:
                    footers.append(footer)
            at += 1
        return footers
