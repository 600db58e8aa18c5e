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
_HEADER = struct.Struct(f"<BxxxI{_NAME.size}s{HASH_BYTES}s")  # kind, payload length, name, payload hash
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size


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
    header = _HEADER.pack(ENTRY, len(payload), name, digest(payload))
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
    header = data[at : at + _HEADER.size]
    stored = data[at + _HEADER.size : at + HEADER_BYTES]
    if len(stored) < _CRC.size or _CRC.unpack(stored)[0] != zlib.crc32(header):
        raise Unreadable(at, HEADER_BYTES)
    kind, length, name, payload_hash = _HEADER.unpack(header)
    if kind != ENTRY:
        raise Unreadable(at, HEADER_BYTES)
    group, slot, *ballot = _NAME.unpack(name)
    return Record(group, slot, (ballot[0], ballot[1], ballot[2]), length, payload_hash)


def payload_at(data: memoryview, at: int, record: Record) -> memoryview:
    """The payload of the record whose header is at `at`. Raises Unreadable."""
    payload = data[at + HEADER_BYTES : at + record.size]
    if len(payload) != record.length or digest(payload) != record.hash:
        raise Unreadable(at, record.size)
    return payload
