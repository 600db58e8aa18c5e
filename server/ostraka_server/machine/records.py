"""What the machine keeps beside rows: few and small things, by name. Read as a whole when a machine is made, written as
they change.

Each part of the machine has names of its own, by their prefix. Their bytes are messages of `wire/record.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

M = TypeVar("M", bound=Message)


class MalformedRecord(ValueError):
    """A record of the checkpoint holds what no machine writes: none can be made of it."""


class Part(Protocol):
    """Some of the machine's state that lives in records."""

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """Take over what a checkpoint holds: the records of all parts, by name. Called once, first.

        Raises MalformedRecord."""

    def changed(self) -> Mapping[bytes, bytes | None]:
        """The records that changed since the last call, as they are now; None for one that is gone."""


class Records:
    """All parts together."""

    def __init__(self, stored: Mapping[bytes, bytes], parts: Sequence[Part]) -> None:
        self._parts = parts
        for part in parts:
            part.load(stored)

    def changed(self) -> dict[bytes, bytes | None]:
        """For a delta: every part's, each once."""
        return {name: data for part in self._parts for name, data in part.changed().items()}


def named(records: Mapping[bytes, bytes], prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records whose names begin with `prefix`, by the rest of their names, in its order."""
    for name in sorted(records):
        if name.startswith(prefix):
            yield name[len(prefix) :], records[name]


def decoded(message: type[M], data: bytes) -> M:
    """What a record says. Raises MalformedRecord."""
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise MalformedRecord(f"a record of the checkpoint is no {message.DESCRIPTOR.name}") from error
