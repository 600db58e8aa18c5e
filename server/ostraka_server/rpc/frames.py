"""Frames between nodes: a header, then a `wire.Frame`. Pure: bytes in, frames out.

The header is the body's length, its CRC-32, and the CRC-32 of these two. TCP's own checksum misses damage often enough
to matter at this volume (Stone and Partridge, SIGCOMM 2000). The length does not wait for the body's checksum: a reader
that believes a damaged one waits for megabytes, which heartbeats alone take hours to bring, on a connection that nobody
has a reason to close.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from google.protobuf.message import DecodeError

from ostraka_server.wire.replica_pb2 import Frame

FRAME_BYTES_MAX = 64 << 20
"""Above the largest promise and the largest entry; what claims to be longer is not a frame."""

_DESCRIPTION = struct.Struct(">II")
_CRC = struct.Struct(">I")
HEADER_BYTES = _DESCRIPTION.size + _CRC.size


class MalformedFrame(ValueError):
    """The bytes are not what a node of this version sends."""


def encode(frame: Frame) -> bytes:
    """One frame, header included."""
    return seal(frame.SerializeToString())


def seal(body: bytes) -> bytes:
    """A serialised `wire.Frame` with its header."""
    assert len(body) <= FRAME_BYTES_MAX
    return header(len(body), crc32(body)) + body


def header(length: int, checksum: int) -> bytes:
    """Of a body of this length and CRC-32."""
    description = _DESCRIPTION.pack(length, checksum)
    return description + _CRC.pack(crc32(description))


class FrameReader:
    """Puts frames together from a byte stream, in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames completed by `data`. Raises MalformedFrame; the stream is of no use then."""
        self._buffer += data
        while len(self._buffer) >= HEADER_BYTES:
            length, checksum = _described(self._buffer)
            end = HEADER_BYTES + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[HEADER_BYTES:end])
            del self._buffer[:end]
            if crc32(body) != checksum:
                raise MalformedFrame("a frame whose checksum does not match")
            try:
                yield Frame.FromString(body)
            except DecodeError as error:
                raise MalformedFrame("a frame that is not a wire.Frame") from error


def _described(buffer: bytearray) -> tuple[int, int]:
    """Length and checksum of the body that the header at the beginning announces."""
    (checksum,) = _CRC.unpack_from(buffer, _DESCRIPTION.size)
    if crc32(memoryview(buffer)[: _DESCRIPTION.size]) != checksum:
        raise MalformedFrame("a frame whose header's checksum does not match")
    length, checksum = _DESCRIPTION.unpack_from(buffer)
    if length > FRAME_BYTES_MAX:
        raise MalformedFrame(f"a frame that claims {length} bytes; at most {FRAME_BYTES_MAX} are sent")
    return length, checksum
