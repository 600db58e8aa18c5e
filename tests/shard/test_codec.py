"""Replica messages to bytes and back."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos import Ballot, Entry, Faulty
from ostraka_server.paxos import messages as m
from ostraka_server.shard import codec
from ostraka_server.shard.codec import ReplicaMessage
from ostraka_server.shard.read_points import ReadPointMessage
from ostraka_server.shard.snapshots import SnapshotMessage
from ostraka_server.wire import replica_pb2 as wire

numbers = st.integers(0, 2**64 - 1)
ballots = st.builds(Ballot, st.integers(0, 2**32 - 1), numbers, numbers)
entries = st.builds(Entry, numbers, ballots, st.binary(max_size=20))
FIELDS = {
    "Ballot": ballots,
    "int": numbers,
    "bool": st.booleans(),
    "bytes": st.binary(max_size=40),
    "tuple[Faulty, ...]": st.lists(st.builds(Faulty, numbers, ballots), max_size=4).map(tuple),
    "tuple[Entry, ...]": st.lists(entries, max_size=4).map(tuple),
    "tuple[int, ...]": st.lists(numbers, max_size=4).map(tuple),
}


def messages_of(kind: type) -> st.SearchStrategy[ReplicaMessage]:
    built: st.SearchStrategy[ReplicaMessage] = st.builds(
        kind, **{f.name: FIELDS[str(f.type)] for f in dataclasses.fields(kind)}
    )
    # What it says: every entry is of the message's ballot.
    return built.map(_of_one_ballot) if kind is m.Accept else built


def _of_one_ballot(message: ReplicaMessage) -> m.Message:
    assert isinstance(message, m.Accept)
    return m.Accept(
        message.ballot,
        tuple(e._replace(ballot=message.ballot) for e in message.entries),
        message.decided_through,
    )


KINDS = (*get_args(m.Message), *get_args(SnapshotMessage), *get_args(ReadPointMessage))


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_comes_back_as_it_was(kind: type) -> None:
    @given(messages_of(kind), st.integers(0, 2**32 - 1), numbers, numbers)
    def check(message: ReplicaMessage, group: int, sender: int, receiver: int) -> None:
        data = codec.encode(group, sender, receiver, message)
        assert codec.decode(data) == (group, sender, receiver, message)

    check()


def test_every_body_on_the_wire_has_a_message() -> None:
    bodies = {field.name for field in wire.Message.DESCRIPTOR.oneofs_by_name["body"].fields}
    assert bodies == codec._DECODERS.keys()
    assert set(KINDS) == codec._ENCODERS.keys()


def test_a_message_without_a_body_is_malformed() -> None:
    with pytest.raises(codec.MalformedMessage):
        codec.decode(wire.Message(group=1, sender=2, receiver=3).SerializeToString())


def test_no_bytes_are_malformed() -> None:
    with pytest.raises(codec.MalformedMessage):
        codec.decode(b"")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        *_, message = codec.decode(data)
    except codec.MalformedMessage:
        return
    assert isinstance(message, KINDS)


@given(st.one_of(*map(messages_of, KINDS)), st.data())
def test_damaged_bytes_are_a_message_or_malformed(message: ReplicaMessage, data: st.DataObject) -> None:
    encoded = bytearray(codec.encode(1, 2, 3, message))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(encoded)))
    for damaged in (bytes(encoded), bytes(encoded[:cut])):
        try:
            *_, decoded = codec.decode(damaged)
        except codec.MalformedMessage:
            continue
        assert isinstance(decoded, KINDS)
