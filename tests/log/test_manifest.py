"""Manifests and records, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.log.layout import MAX_GROUPS, MAX_RECORDS, SECTOR, SLOT
from ostraka_server.log.manifest import Manifest, manifest_bytes, pack_state, unpack_manifest
from ostraka_server.log.record import HEADER_BYTES, Unreadable, pack_header, pack_name, payload_at, unpack_header
from ostraka_server.log.values import GroupState

NUMBER = st.integers(0, 2**64 - 1)
BALLOT = st.tuples(NUMBER, NUMBER, NUMBER)


def test_the_largest_manifest_fits_its_slot() -> None:
    assert manifest_bytes(MAX_GROUPS, MAX_RECORDS) <= SLOT


@given(NUMBER, NUMBER, BALLOT, st.binary(max_size=100))
def test_a_record_comes_back(group: int, slot: int, ballot: tuple[int, int, int], payload: bytes) -> None:
    data = b"before" + pack_header(pack_name(group, slot, ballot), payload) + payload + b"behind"
    record = unpack_header(data, 6)
    assert record[:4] == (group, slot, ballot, len(payload))
    assert payload_at(memoryview(data), 6, record) == payload


@given(st.dictionaries(NUMBER, st.builds(GroupState, BALLOT, NUMBER, NUMBER), max_size=5), st.lists(NUMBER, max_size=5))
def test_a_manifest_comes_back(groups: dict[int, GroupState], slots: list[int]) -> None:
    states = b"".join(pack_state(group, state) for group, state in groups.items())
    headers = b"".join(pack_header(pack_name(3, slot, (1, 2, 3)), b"12345") for slot in slots)
    manifest = Manifest(4, 2, 9, 8, 102400, 102400 + 8 * SECTOR, b"p" * 16, b"c" * 16, states, headers)
    data = manifest.pack()
    read = unpack_manifest(bytes(SECTOR) + data, SECTOR)
    assert read == manifest
    assert read.groups() == groups
    assert [(at, record.slot) for at, record in read.records()] == [
        (102400 + place * (HEADER_BYTES + 5), slot) for place, slot in enumerate(slots)
    ]


def test_no_flipped_bit_of_a_manifest_passes_and_its_length_is_never_believed_wrongly() -> None:
    headers = pack_header(pack_name(3, 1, (1, 2, 3)), b"12345")
    data = Manifest(4, 2, 9, 8, 0, SECTOR, b"p" * 16, b"c" * 16, pack_state(3, GroupState()), headers).pack()
    for bit in range(8 * len(data)):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unreadable) as raised:
            unpack_manifest(bytes(broken), 0)
        assert raised.value.length in (SECTOR, len(data))
