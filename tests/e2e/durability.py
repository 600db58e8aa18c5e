"""Whether nodes say "accepted" only of what is on disk, judged from what strace saw them do.

A record is durable from the moment when an `fdatasync` returned 0 that was entered after the `pwrite64` of the whole
record into the same file had returned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ostraka_server.log.record import ENTRY, HEADER_BYTES, Unreadable, unpack_header
from ostraka_server.paxos.messages import Accepted
from ostraka_server.rpc.frames import FrameReader
from ostraka_server.shard import codec
from tests.e2e.strace import Syscall


class RecordName(NamedTuple):
    """What a node accepts, it accepts under this name."""

    group: int
    slot: int
    ballot: tuple[int, int, int]


class Moment(NamedTuple):
    """A point in one node's trace, and what the machine's clock said."""

    order: int
    time: float


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it was written to the log."""

    name: RecordName
    payload: bytes
    durable: Moment | None
    """None: never, as far as the trace goes."""


@dataclass(frozen=True)
class NodeTrace:
    """What one node did."""

    node: str
    syscalls: Sequence[Syscall]
    replica_ports: frozenset[int]
    """Where the other nodes listen for replicas."""
    client_port: int
    """Where this node listens for clients."""

    @cached_property
    def written(self) -> list[Written]:
        """Every record that was written to a segment, in order."""
        return [
            Written(name, payload, self._synced_after(call))
            for call in self.syscalls
            if call.name == "pwrite64" and "/log/" in call.target
            for name, payload in _records(call.data)
        ]

    @cached_property
    def durable(self) -> dict[RecordName, Moment]:
        """When each record that became durable first was."""
        found: dict[RecordName, Moment] = {}
        for record in self.written:
            if record.durable is not None:
                found.setdefault(record.name, record.durable)
        return found

    def accepted(self) -> Iterator[tuple[RecordName, Moment]]:
        """Every slot that was told to another node to be accepted, and when the telling began."""
        readers: dict[str, FrameReader] = {}
        for call in self.syscalls:
            if _port(call.target.rpartition("->")[2]) not in self.replica_ports:
                continue
            for frame in readers.setdefault(call.target, FrameReader()).feed(call.data):
                for data in frame.messages:
                    yield from _accepts(data, Moment(call.entered, call.entered_at))

    def reply_with(self, marker: bytes) -> Moment | None:
        """When the first answer to a client began that holds these bytes."""
        for call in self.syscalls:
            if _port(call.target.partition("->")[0]) == self.client_port and marker in call.data:
                return Moment(call.entered, call.entered_at)
        return None

    def _synced_after(self, write: Syscall) -> Moment | None:
        syncs = self._syncs[write.target]
        later = bisect_right(syncs, write.returned, key=lambda sync: sync.entered)
        return Moment(syncs[later].returned, syncs[later].returned_at) if later < len(syncs) else None

    @cached_property
    def _syncs(self) -> defaultdict[str, list[Syscall]]:
        """Those that succeeded, by file. One after the other: a log is used by one thread at a time."""
        by_file: defaultdict[str, list[Syscall]] = defaultdict(list)
        for call in self.syscalls:
            if call.name == "fdatasync" and call.result == 0:
                by_file[call.target].append(call)
        return by_file


def too_early_accepts(trace: NodeTrace) -> tuple[int, list[str]]:
    """How many slots the node told others to be accepted, and those that were not durable by then."""
    told, early = 0, []
    for name, moment in trace.accepted():
        told += 1
        synced = trace.durable.get(name)
        if synced is None or synced.order > moment.order:
            early.append(f"{trace.node} told that it accepted {name} before that was durable")
    return told, early


def too_early_replies(traces: Mapping[str, NodeTrace], leader: str, writes: Mapping[bytes, bytes]) -> list[str]:
    """The writes that the leader acknowledged before they were durable on itself and on a majority.

    `writes` maps bytes that occur only in the command of one write to bytes that occur only in its answer.
    """
    names = _names_by_marker(traces[leader], writes)
    early = []
    for value, marker in writes.items():
        name, reply = names.get(value), traces[leader].reply_with(marker)
        if name is None or reply is None:
            early.append(f"{value!r} was acknowledged, but its {'answer' if name else 'record'} is not in the trace")
            continue
        own = traces[leader].durable.get(name)
        if own is None or own.order > reply.order:
            early.append(f"{leader} answered {value!r} before its own sync of {name} had returned")
        holders = [node for node, trace in traces.items() if _held(trace, name, reply.time)]
        if len(holders) <= len(traces) // 2:
            early.append(f"{leader} answered {value!r} when {name} was durable on {holders} only")
    return early


def _held(trace: NodeTrace, name: RecordName, time: float) -> bool:
    durable = trace.durable.get(name)
    return durable is not None and durable.time <= time


def _names_by_marker(trace: NodeTrace, writes: Mapping[bytes, bytes]) -> dict[bytes, RecordName]:
    """The record that holds each write's command. One entry holds many commands."""
    found: dict[bytes, RecordName] = {}
    for record in trace.written:
        found |= {value: record.name for value in writes if value not in found and value in record.payload}
    return found


def _records(data: bytes) -> Iterator[tuple[RecordName, bytes]]:
    """The records at the beginning of what was written: a batch, or none where it is something else.

    A first byte does not tell: blank sectors are noise, and that of one segment in 256 begins as a record does.
    """
    at = 0
    while data[at : at + 1] == bytes((ENTRY,)):
        try:
            record = unpack_header(data, at)
        except Unreadable:
            return
        yield RecordName(record.group, record.slot, record.ballot), data[at + HEADER_BYTES : at + record.size]
        at += record.size


def _accepts(data: bytes, moment: Moment) -> Iterator[tuple[RecordName, Moment]]:
    group, _, _, message = codec.decode(data)
    if isinstance(message, Accepted):
        ballot = message.ballot
        for slot in message.slots:
            yield RecordName(group, slot, (ballot.epoch, ballot.round, ballot.replica)), moment


def _port(address: str) -> int | None:
    """Of `TCP:[host:port` or `host:port]`."""
    digits = address.rstrip("]").rpartition(":")[2]
    return int(digits) if digits.isdecimal() else None
