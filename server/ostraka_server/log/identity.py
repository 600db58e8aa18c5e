"""The first sector of a segment: whose it is, in which format, how large. Written once."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from ostraka_server.log.errors import LogRefused
from ostraka_server.log.layout import FORMAT_VERSION
from ostraka_server.log.record import Unreadable

_MAGIC = b"OSTRAKA\n"
_VERSION = struct.Struct(f"<{len(_MAGIC)}sI")  # this, with its CRC, stays as it is in every version
_BODY = struct.Struct("<QQB255s")  # segment number, size, owner's length, owner
_CRC = struct.Struct("<I")
IDENTITY_BYTES = _VERSION.size + _BODY.size + 2 * _CRC.size
OWNER_BYTES_MAX = 255


class Identity(NamedTuple):
    """A segment's number and size in bytes, and the node and cluster that it belongs to."""

    number: int
    size: int
    owner: bytes

    def pack(self) -> bytes:
        version = _VERSION.pack(_MAGIC, FORMAT_VERSION)
        body = _BODY.pack(self.number, self.size, len(self.owner), self.owner)
        return version + _CRC.pack(zlib.crc32(version)) + body + _CRC.pack(zlib.crc32(body))


def unpack_identity(data: bytes) -> Identity:
    """Raises LogRefused for an intact sector of another format version, Unreadable for anything else."""
    body_at = _VERSION.size + _CRC.size
    version, body = data[: _VERSION.size], data[body_at : body_at + _BODY.size]
    _check(version, data[_VERSION.size : body_at])
    magic, number = _VERSION.unpack(version)
    if magic != _MAGIC:
        raise Unreadable(0, IDENTITY_BYTES)
    if number != FORMAT_VERSION:
        raise LogRefused(
            f"the acceptor log has format version {number}, and this program knows only {FORMAT_VERSION}: "
            "run the version of ostraka that wrote it"
        )
    _check(body, data[body_at + _BODY.size : IDENTITY_BYTES])
    segment, size, length, owner = _BODY.unpack(body)
    return Identity(segment, size, owner[:length])


def _check(data: bytes, stored: bytes) -> None:
    if stored != _CRC.pack(zlib.crc32(data)):
        raise Unreadable(0, IDENTITY_BYTES)
