"""A decided payload to what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError

from ostraka_server.wire.entry_pb2 import Entry

ENTRY_FORMAT = 3
"""What this version writes and reads. It also names the rules by which commands are executed."""


class UnknownEntry(Exception):
    """A decided payload that this version cannot execute. Nothing was changed; the replica must not go on."""

    def __init__(self, slot: int, what: str) -> None:
        super().__init__(f"slot {slot} holds {what}; this version executes entries of format {ENTRY_FORMAT} only")


class Opened(NamedTuple):
    """What an entry says: when its leader proposed it, by its clock, and the serialised commands, in order."""

    wall_ms: int
    commands: Sequence[bytes]


_NO_OP = Opened(0, ())


def opened(slot: int, payload: bytes) -> Opened:
    """What the entry decided for `slot` says; nothing for a no-op. Raises UnknownEntry."""
    if not payload:
        return _NO_OP
    try:
        entry = Entry.FromString(payload)
    except DecodeError as error:
        raise UnknownEntry(slot, "bytes that are not an entry") from error
    if entry.format != ENTRY_FORMAT:
        raise UnknownEntry(slot, f"an entry of format {entry.format}")
    return Opened(entry.wall_ms, entry.commands)
