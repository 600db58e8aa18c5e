"""Frames between nodes: length and CRC-32, then a `wire.Frame`. Pure: bytes in, frames out.

TCP's own checksum misses damage often enough to matter at this volume (Stone and Partridge, SIGCOMM 2000).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from google.protobuf.message import DecodeError

from ostraka_server.wire.replica_pb2 import Frame

FRAME_BYTES_MAX = 64 << 20
"""Above the largest promise and the largest entry; what claims to be longer is not a frame."""

_HEADER = struct.Struct(">II")


class MalformedFrame(ValueError):
    """The bytes are not what a node of this version sends."""


def encode(frame: Frame) -> bytes:
    """One frame, header included."""
    body = frame.SerializeToString()
    assert len(body) <= FRAME_BYTES_MAX
    return _HEADER.pack(len(body), crc32(body)) + body


class FrameReader:
    """Puts frames together from a byte stream, in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames completed by `data`. Raises MalformedFrame; the stream is of no use then."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            length, checksum = _HEADER.unpack_from(self._buffer)
            if length > FRAME_BYTES_MAX:
                raise MalformedFrame(f"a frame that claims {length} bytes; at most {FRAME_BYTES_MAX} are sent")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[_HEADER.size : end])
            del self._buffer[:end]
            if crc32(body) != checksum:
                raise MalformedFrame("a frame whose checksum does not match")
            try:
                yield Frame.FromString(body)
            except DecodeError as error:
                raise MalformedFrame("a frame that is not a wire.Frame") from error
