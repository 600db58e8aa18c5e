"""Mutations: bounded, and of fields where the bytes are a protobuf message."""

from __future__ import annotations

from random import Random

from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.wire.replica_pb2 import Message
from tests.fuzz.mutation import BYTES_MAX, mutate, pieces, varint

MESSAGE = Message(group=1, sender=2, receiver=3)
MESSAGE.accept.decided_through = 1 << 40


@given(st.binary(max_size=60))
def test_pieces_are_all_of_the_bytes(data: bytes) -> None:
    assert b"".join(pieces(data)) == data


def test_pieces_of_a_message_are_its_fields() -> None:
    fields = pieces(MESSAGE.SerializeToString())
    assert len(fields) == 4
    assert Message.FromString(b"".join(reversed(fields))) == MESSAGE


def test_a_number_is_written_as_protobuf_writes_it() -> None:
    for number in (0, 127, 128, 300, (1 << 64) - 1):
        assert Message.FromString(b"\x08" + varint(number)).group == number % (1 << 32)


@given(st.binary(max_size=60), st.randoms(use_true_random=False))
def test_no_mutation_grows_without_bound(data: bytes, random: Random) -> None:
    for _ in range(20):
        data = mutate(data, [b"other", b""], random)
    assert len(data) <= BYTES_MAX


def test_mutations_of_a_message_are_messages_about_half_of_the_time() -> None:
    random, data = Random(1), MESSAGE.SerializeToString()
    decoded = 0
    for _ in range(1000):
        try:
            Message.FromString(mutate(data, [data], random))
        except DecodeError:
            continue
        decoded += 1
    assert 300 < decoded < 700
