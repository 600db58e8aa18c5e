"""Commands and entries as a leader would propose them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import (
    CompactRequest,
    Compare,
    DeleteRequest,
    GetRequest,
    Operation,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from ostraka.v1.session_pb2 import CloseRequest, RegisterRequest
from ostraka_server.machine import ENTRY_FORMAT
from ostraka_server.wire.entry_pb2 import Entry


def put(key: bytes, value: bytes = b"", *, prev_kv: bool = False) -> Command:
    return Command(put=PutRequest(key=key, value=value, prev_kv=prev_kv))


def delete(key: bytes, range_end: bytes = b"", *, prev_kv: bool = False) -> Command:
    return Command(delete=DeleteRequest(key=key, range_end=range_end, prev_kv=prev_kv))


def compact(revision: int) -> Command:
    return Command(compact=CompactRequest(revision=revision))


def get(key: bytes) -> Command:
    return Command(get=GetRequest(key=key))


def scan(key: bytes, range_end: bytes = b"") -> Command:
    return Command(range=RangeRequest(key=key, range_end=range_end))


def txn(*compares: Compare, then: Iterable[Command] = (), otherwise: Iterable[Command] = ()) -> Command:
    return Command(txn=TxnRequest(compares=compares, then=map(operation, then), otherwise=map(operation, otherwise)))


def operation(command: Command) -> Operation:
    """The same request, within a transaction."""
    return Operation.FromString(command.SerializeToString())  # the fields have the same numbers


def entry(*commands: Command | bytes, wall_ms: int = 0) -> bytes:
    """A decided payload. Bytes go in as they are, well-formed or not."""
    return Entry(
        format=ENTRY_FORMAT,
        proposer=7,
        wall_ms=wall_ms,
        commands=[each if isinstance(each, bytes) else each.SerializeToString() for each in commands],
    ).SerializeToString()


def requested(command: Command) -> Any:
    """The request in the envelope; None where there is none."""
    kind = command.WhichOneof("request")
    return None if kind is None else getattr(command, kind)


def register(client: int) -> Command:
    return Command(register=RegisterRequest(client=client))


def close(client: int) -> Command:
    return Command(close=CloseRequest(client=client))


def numbered(command: Command, client: int, sequence: int, answered_below: int = 0) -> Command:
    """The same, to be sent again at will."""
    copy = Command(client=client, sequence=sequence, answered_below=answered_below)
    copy.MergeFrom(command)
    return copy
