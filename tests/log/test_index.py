"""The index against a dict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.log.index import Location, SlotIndex
from ostraka_server.log.record import Record

SLOTS = st.one_of(st.integers(0, 1100), st.integers(0, 2**63))
NOTES = st.tuples(
    SLOTS,
    st.tuples(st.integers(1, 2), st.integers(0, 3), st.integers(1, 2**63)),
    st.integers(1, 2**24 - 1),
    st.integers(0, 2**40 - 1),
    st.integers(0, 2**32 - 1),
)


@given(st.lists(NOTES), SLOTS)
def test_it_finds_what_was_noted_last(notes: list[tuple[int, tuple[int, int, int], int, int, int]], above: int) -> None:
    index = SlotIndex()
    expected = {}
    for slot, ballot, segment, at, length in notes:
        index.note(Record(1, slot, ballot, length, b""), segment, at)
        expected[slot] = Location(ballot, segment, at, length)
    assert {slot: index.find(slot) for slot in expected} == expected
    assert list(index.above(above)) == sorted((slot, where) for slot, where in expected.items() if slot > above)
    assert above in expected or index.find(above) is None
