"""Replica messages to bytes and back: one table per direction, one line a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ostraka_server.paxos import Ballot, Entry, Faulty, ReplicaId
from ostraka_server.paxos import messages as m
from ostraka_server.shard import read_points as r
from ostraka_server.shard import snapshots as s
from ostraka_server.wire import replica_pb2 as wire

ReplicaMessage = m.Message | s.SnapshotMessage | r.ReadPointMessage


class MalformedMessage(ValueError):
    """The bytes are not a message that this version knows."""


def encode(group: int, sender: ReplicaId, receiver: ReplicaId, message: ReplicaMessage) -> bytes:
    """One `wire.Message`."""
    envelope = wire.Message(group=group, sender=sender, receiver=receiver, ballot=_ballot(message.ballot))
    _ENCODERS[type(message)](envelope, message)
    return envelope.SerializeToString()


def decode(data: bytes) -> tuple[int, ReplicaId, ReplicaId, ReplicaMessage]:
    """Group, sender, receiver, message. Raises MalformedMessage."""
    try:
        envelope = wire.Message.FromString(data)
    except Exception as error:
        raise MalformedMessage("not a replica message") from error
    kind = envelope.WhichOneof("body")
    if kind is None:
        raise MalformedMessage("a replica message without a body known here")
    ballot = _read_ballot(envelope.ballot)
    message = _DECODERS[kind](ballot, getattr(envelope, kind))
    return envelope.group, envelope.sender, envelope.receiver, message


def _ballot(ballot: Ballot) -> wire.Ballot:
    return wire.Ballot(epoch=ballot.epoch, round=ballot.round, replica=ballot.replica)


def _read_ballot(ballot: wire.Ballot) -> Ballot:
    return Ballot(ballot.epoch, ballot.round, ballot.replica)


def _slots(entries: Iterable[Entry]) -> list[wire.Slot]:
    return [wire.Slot(slot=e.slot, ballot=_ballot(e.ballot), payload=e.payload) for e in entries]


def _read_slots(slots: Iterable[wire.Slot]) -> tuple[Entry, ...]:
    return tuple(Entry(each.slot, _read_ballot(each.ballot), each.payload) for each in slots)


def _pre_promise(to: wire.Message, message: m.PrePromise) -> None:
    body = to.pre_promise
    body.granted, body.decided_through = message.granted, message.decided_through
    body.promised.CopyFrom(_ballot(message.promised))


def _promise(to: wire.Message, message: m.Promise) -> None:
    to.promise.accepted.extend(_slots(message.accepted))
    to.promise.decided_through = message.decided_through
    to.promise.faulty.extend(wire.Slot(slot=each.slot, ballot=_ballot(each.ballot)) for each in message.faulty)


def _accept(to: wire.Message, message: m.Accept) -> None:
    to.accept.entries.extend(wire.Slot(slot=e.slot, payload=e.payload) for e in message.entries)
    to.accept.decided_through = message.decided_through


def _heartbeat(to: wire.Message, message: m.Heartbeat) -> None:
    to.heartbeat.nonce, to.heartbeat.decided_through = message.nonce, message.decided_through


def _heartbeat_ack(to: wire.Message, message: m.HeartbeatAck) -> None:
    to.heartbeat_ack.nonce, to.heartbeat_ack.decided_through = message.nonce, message.decided_through


def _decided(to: wire.Message, message: m.Decided) -> None:
    to.decided.first, to.decided.decided_through = message.first, message.decided_through
    to.decided.entries.extend(_slots(message.entries))


def _offer(to: wire.Message, message: s.OfferSnapshot) -> None:
    body = to.offer_snapshot
    body.slot, body.size, body.digest = message.slot, message.size, message.digest


def _read_promise(ballot: Ballot, promise: wire.Promise) -> m.Promise:
    faulty = tuple(Faulty(each.slot, _read_ballot(each.ballot)) for each in promise.faulty)
    return m.Promise(ballot, _read_slots(promise.accepted), promise.decided_through, faulty)


_ENCODERS: dict[type, Callable[[wire.Message, Any], object]] = {
    m.PrePrepare: lambda to, x: to.pre_prepare.CopyFrom(wire.PrePrepare(decided_through=x.decided_through)),
    m.PrePromise: _pre_promise,
    m.Prepare: lambda to, x: to.prepare.CopyFrom(wire.Prepare(first=x.first)),
    m.Promise: _promise,
    m.Accept: _accept,
    m.Accepted: lambda to, x: to.accepted.slots.extend(x.slots),
    m.Nack: lambda to, x: to.nack.promised.CopyFrom(_ballot(x.promised)),
    m.Heartbeat: _heartbeat,
    m.HeartbeatAck: _heartbeat_ack,
    m.Fetch: lambda to, x: to.fetch.CopyFrom(wire.Fetch(first=x.first)),
    m.Decided: _decided,
    m.TakeOver: lambda to, x: to.take_over.SetInParent(),
    s.WantSnapshot: lambda to, x: to.want_snapshot.CopyFrom(wire.WantSnapshot(slot=x.slot)),
    s.OfferSnapshot: _offer,
    s.RequestChunk: lambda to, x: to.request_chunk.CopyFrom(wire.RequestChunk(digest=x.digest, offset=x.offset)),
    s.Chunk: lambda to, x: to.chunk.CopyFrom(wire.Chunk(digest=x.digest, offset=x.offset, data=x.data)),
    r.AskReadPoint: lambda to, x: to.ask_read_point.CopyFrom(wire.AskReadPoint(nonce=x.nonce)),
    r.ReadPoint: lambda to, x: to.read_point.CopyFrom(wire.ReadPoint(nonce=x.nonce, slot=x.slot)),
}

_DECODERS: dict[str, Callable[[Ballot, Any], ReplicaMessage]] = {
    "pre_prepare": lambda b, x: m.PrePrepare(b, x.decided_through),
    "pre_promise": lambda b, x: m.PrePromise(b, x.granted, _read_ballot(x.promised), x.decided_through),
    "prepare": lambda b, x: m.Prepare(b, x.first),
    "promise": _read_promise,
    "accept": lambda b, x: m.Accept(b, tuple(Entry(e.slot, b, e.payload) for e in x.entries), x.decided_through),
    "accepted": lambda b, x: m.Accepted(b, tuple(x.slots)),
    "nack": lambda b, x: m.Nack(b, _read_ballot(x.promised)),
    "heartbeat": lambda b, x: m.Heartbeat(b, x.nonce, x.decided_through),
    "heartbeat_ack": lambda b, x: m.HeartbeatAck(b, x.nonce, x.decided_through),
    "fetch": lambda b, x: m.Fetch(b, x.first),
    "decided": lambda b, x: m.Decided(b, x.first, _read_slots(x.entries), x.decided_through),
    "take_over": lambda b, x: m.TakeOver(b),
    "want_snapshot": lambda b, x: s.WantSnapshot(b, x.slot),
    "offer_snapshot": lambda b, x: s.OfferSnapshot(b, x.slot, x.size, x.digest),
    "request_chunk": lambda b, x: s.RequestChunk(b, x.digest, x.offset),
    "chunk": lambda b, x: s.Chunk(b, x.digest, x.offset, x.data),
    "ask_read_point": lambda b, x: r.AskReadPoint(b, x.nonce),
    "read_point": lambda b, x: r.ReadPoint(b, x.nonce, x.slot),
}
