"""Requests that are no protobuf messages, refused as such.

Left to itself grpc answers them UNKNOWN and writes a traceback to the log for each: a way to fill it for any client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from ostraka.v1.exchange_pb2 import Error
from ostraka_server.shard import failures

Deserializer = Callable[[bytes], Any]


class _Malformed:
    """Stands where the request would."""


MALFORMED: Final = _Malformed()


def lenient(deserialize: Deserializer) -> Deserializer:
    """The same, but MALFORMED where it would raise DecodeError."""

    def parse(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return MALFORMED

    return parse


def malformed(method: str) -> Error:
    """What to refuse a malformed request with. `method`: /package.Service/Method."""
    return failures.invalid(f"the request to {method} is not a protobuf message of its type").error
