"""A record: what one group accepted for one slot, as a header of fixed size and the payload right behind it.

The header's CRC vouches for the header, and the header's hash for the payload: so a length is believed only from an
intact header, and the payload is gone over once.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from ostraka_server.log.layout import HASH_BYTES, digest
from ostraka_server.log.values import BallotTuple

ENTRY = 1
"""The first byte of a record; no other kind exists. Padding begins with 0 and a footer with its magic."""

_NAME = struct.Struct("<QQQQQ")  # group, slot, ballot: epoch, round, replica
_UNSIGNED = struct.Struct(f"<BxxxI{_NAME.size}s{HASH_BYTES}s")  # kind, payload length, name, payload hash
_CRC = struct.Struct("<I")
_HEADER = struct.Struct(f"<BxxxIQQQQQ{HASH_BYTES}sI")  # both in one
HEADER_BYTES = _HEADER.size


class Unreadable(Exception):
    """A piece of a segment is not what was written there: [at, at + length)."""

    def __init__(self, at: int, length: int) -> None:
        self.at = at
        self.length = length
        super().__init__(f"unreadable at offset {at}, {length} bytes")


def pack_name(group: int, slot: int, ballot: BallotTuple) -> bytes:
    """What identifies a record. Raises struct.error for a number outside [0, 2**64)."""
    return _NAME.pack(group, slot, *ballot)


def pack_header(name: bytes, payload: bytes) -> bytes:
    """The header of a record."""
    header = _UNSIGNED.pack(ENTRY, len(payload), name, digest(payload))
    return header + _CRC.pack(zlib.crc32(header))


class Record(NamedTuple):
    """A record's header, read."""

    group: int
    slot: int
    ballot: BallotTuple
    length: int
    hash: bytes

    @property
    def size(self) -> int:
        """Bytes of header and payload."""
        return HEADER_BYTES + self.length


def unpack_header(data: bytes | memoryview, at: int) -> Record:
    """The header at `at`. Raises Unreadable."""
    header = data[at : at + HEADER_BYTES]
    if len(header) < HEADER_BYTES or _CRC.unpack(header[_UNSIGNED.size :])[0] != zlib.crc32(header[: _UNSIGNED.size]):
        raise Unreadable(at, HEADER_BYTES)
    if header[0] != ENTRY:
        raise Unreadable(at, HEADER_BYTES)
    (record,) = unpack_headers(header)
    return record


def unpack_headers(data: bytes | memoryview) -> list[Record]:
    """Headers that follow each other and are known to be intact."""
    rows = _HEADER.iter_unpack(data)
    return [Record(row[2], row[3], (row[4], row[5], row[6]), row[1], row[7]) for row in rows]


def payload_at(data: memoryview, at: int, record: Record) -> memoryview:
    """The payload of the record whose header is at `at`. Raises Unreadable."""
    payload = data[at + HEADER_BYTES : at + record.size]
    if len(payload) != record.length or digest(payload) != record.hash:
        raise Unreadable(at, record.size)
    return payload
