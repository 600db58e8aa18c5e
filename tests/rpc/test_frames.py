"""Frames between nodes: put together from any pieces; what is not a frame is found out before it is believed."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.rpc.frames import FRAME_BYTES_MAX, HEADER_BYTES, FrameReader, MalformedFrame, encode, seal
from ostraka_server.wire.replica_pb2 import Frame

frames = st.lists(st.binary(max_size=30), max_size=4).map(lambda messages: Frame(messages=messages))


@given(st.lists(frames, max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[Frame], pieces: list[int]) -> None:
    stream = b"".join(map(encode, sent))
    reader = FrameReader()
    got: list[Frame] = []
    turn = 0
    while stream:
        length = pieces[turn % len(pieces)]
        turn += 1
        got += reader.feed(stream[:length])
        stream = stream[length:]
    assert got == sent


def test_frames_that_were_whole_come_before_the_damage_is_found() -> None:
    good = Frame(messages=[b"good"])
    feeding = FrameReader().feed(encode(good) + b"\xff" * HEADER_BYTES)
    assert next(feeding) == good
    with pytest.raises(MalformedFrame):
        next(feeding)


@given(frames, st.data())
def test_a_flipped_bit_is_found_out_at_once_and_nothing_more_is_waited_for(frame: Frame, data: st.DataObject) -> None:
    damaged = bytearray(encode(frame))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedFrame):
        list(FrameReader().feed(bytes(damaged)))


def test_a_length_that_a_flipped_bit_made_longer_is_found_out_with_the_header() -> None:
    """Stack seed 176: the connection waited for 256 KiB that heartbeats would have brought in an hour."""
    damaged = bytearray(encode(Frame(messages=[b"beat"]))[:HEADER_BYTES])
    damaged[1] ^= 4
    with pytest.raises(MalformedFrame, match="header"):
        list(FrameReader().feed(bytes(damaged)))


def test_what_claims_to_be_too_long_is_not_waited_for() -> None:
    description = struct.pack(">II", FRAME_BYTES_MAX + 1, 0)
    with pytest.raises(MalformedFrame, match=str(FRAME_BYTES_MAX)):
        list(FrameReader().feed(description + struct.pack(">I", crc32(description))))


def test_bytes_with_a_right_checksum_that_are_no_frame_are_found_out() -> None:
    with pytest.raises(MalformedFrame, match="not a wire"):
        list(FrameReader().feed(seal(b"\xff\xff\xff")))


def test_another_protocols_greeting_is_found_out() -> None:
    with pytest.raises(MalformedFrame):
        list(FrameReader().feed(b"GET / HTTP/1.1\r\nHost: n1\r\n\r\n"))


@given(st.binary(max_size=100))
def test_any_bytes_are_frames_or_malformed_or_unfinished(data: bytes) -> None:
    try:
        got = list(FrameReader().feed(data))
    except MalformedFrame:
        return
    assert all(isinstance(frame, Frame) for frame in got)
