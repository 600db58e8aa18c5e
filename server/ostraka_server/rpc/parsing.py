"""Requests that are no protobuf messages, refused as such.

Left to itself grpc answers them UNKNOWN and writes a traceback to the log for each: a way to fill it for any client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from ostraka.v1.exchange_pb2 import Error
from ostraka_server.shard import failures

Deserializer = Callable[[bytes], Any]


class Malformed:
    """Stands where a request of type `expected` would."""

    def __init__(self, expected: str) -> None:
        self._expected = expected

    def error(self) -> Error:
        """What to refuse it with."""
        return failures.invalid(f"the request is not an {self._expected}: its bytes are no such message").error


def lenient(deserialize: Deserializer, expected: str = "") -> Deserializer:
    """The same, but Malformed where it would raise DecodeError. `expected`: the type as clients know it."""
    instead = Malformed(expected or deserialize(b"").DESCRIPTOR.full_name)

    def parse(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return instead

    return parse
