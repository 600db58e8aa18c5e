"""A manifest: what a batch holds and what came before it. It stands in the batch's footer and in the mark.

So the name of everything in a batch survives its damage, and every group's promise survives the loss of any one copy.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from ostraka_server.log.layout import DATA_AT, HASH_BYTES, SECTOR, align, digest
from ostraka_server.log.record import HEADER_BYTES, Record, Unreadable, unpack_headers
from ostraka_server.log.values import GroupState

MAGIC = b"\xf0OSB"

_STATE = struct.Struct("<QQQQQQ")  # group, promised: epoch, round, replica; decided_through, base
STATE_BYTES = _STATE.size
# CRC of the body, groups, records, segment, oldest, sequence, durable, start, end, previous chain, chain
_HEAD = struct.Struct(f"<IHHQQQQQQ{HASH_BYTES}s{HASH_BYTES}s")
_CRC = struct.Struct("<I")
_HEAD_AT = len(MAGIC) + _CRC.size
_BODY_AT = _HEAD_AT + _HEAD.size


def pack_state(group: int, state: GroupState) -> bytes:
    """A group's state as manifests carry it. Raises struct.error for a number outside [0, 2**64)."""
    return _STATE.pack(group, *state.promised, *state[1:])


def manifest_bytes(groups: int, records: int) -> int:
    """The encoded length of a manifest."""
    return _BODY_AT + groups * STATE_BYTES + records * HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Manifest:
    """A batch as its footer and its mark tell it.

    1. `chain` is a hash over `previous`, `states` and `headers`; `previous` is the chain of the batch before.
    2. When it was written, every batch through `durable` had been synced: a batch is begun only after the sync of the
       one before has returned, so `durable` is `sequence - 1`, or `sequence` where it was written afterwards.
    3. The batch lies in [start, end) of its segment, and its footer ends at `end`, a multiple of SECTOR.
    4. Segments before `oldest` hold nothing that is needed any more; all from it on belong to the log.
    """

    segment: int
    oldest: int
    sequence: int
    durable: int
    start: int
    end: int
    previous: bytes
    chain: bytes
    states: bytes
    headers: bytes

    def pack(self) -> bytes:
        body = self.states + self.headers
        head = _HEAD.pack(
            zlib.crc32(body), len(self.states) // STATE_BYTES, len(self.headers) // HEADER_BYTES,
            self.segment, self.oldest, self.sequence, self.durable, self.start, self.end, self.previous, self.chain,
        )  # fmt: skip
        return MAGIC + _CRC.pack(zlib.crc32(head)) + head + body

    @property
    def footer_at(self) -> int:
        """Where the batch's footer begins."""
        return self.end - align(_BODY_AT + len(self.states) + len(self.headers), SECTOR)

    def groups(self) -> dict[int, GroupState]:
        """Every group's state, as of this batch."""
        rows = _STATE.iter_unpack(self.states)
        return {row[0]: GroupState((row[1], row[2], row[3]), row[4], row[5]) for row in rows}

    def records(self) -> list[tuple[int, Record]]:
        """What the batch holds: each record and the offset in the segment where it begins."""
        listed = []
        at = self.start
        for record in unpack_headers(self.headers):
            listed.append((at, record))
            at += HEADER_BYTES + record.length
        return listed


def next_chain(previous: bytes, states: bytes, headers: bytes) -> bytes:
    """The chain through a batch."""
    return digest(previous + states + headers)


def first_manifest(segment: int, oldest: int, sequence: int, chain: bytes, states: bytes) -> Manifest:
    """What a segment without batches begins from: nothing of its own, and all before it durable."""
    return Manifest(segment, oldest, sequence, sequence, DATA_AT, DATA_AT, chain, chain, states, b"")


def unpack_manifest(data: bytes | memoryview, at: int) -> Manifest:
    """The manifest at `at`, where a sector begins. Raises Unreadable with the extent that must be wrong.

    Its head fits a sector and has a CRC of its own, so that the length of the rest is never believed wrongly.
    """
    head = data[at + _HEAD_AT : at + _BODY_AT]
    stored = data[at + len(MAGIC) : at + _HEAD_AT]
    if data[at : at + len(MAGIC)] != MAGIC or len(head) < _HEAD.size or _CRC.unpack(stored)[0] != zlib.crc32(head):
        raise Unreadable(at, SECTOR)
    crc, groups, records, segment, oldest, sequence, durable, start, end, previous, chain = _HEAD.unpack(head)
    length = manifest_bytes(groups, records)
    body = bytes(data[at + _BODY_AT : at + length])
    if zlib.crc32(body) != crc:
        raise Unreadable(at, length)
    states, headers = body[: groups * STATE_BYTES], body[groups * STATE_BYTES :]
    return Manifest(segment, oldest, sequence, durable, start, end, previous, chain, states, headers)
