"""The index against a dict."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.log.index import Location, SlotIndex
from ostraka_server.log.record import HEADER_BYTES, Record

SLOTS = st.one_of(st.integers(0, 1100), st.integers(0, 2**63))
NOTES = st.tuples(
    SLOTS,
    st.tuples(st.integers(1, 2), st.integers(0, 3), st.integers(1, 2**63)),
    st.integers(1, 2**24 - 1),
    st.integers(0, 2**40 - 1),
    st.integers(0, 2**32 - 1),
)


@given(st.lists(NOTES), SLOTS, SLOTS)
def test_it_finds_what_was_noted_last(
    notes: list[tuple[int, tuple[int, int, int], int, int, int]], above: int, dropped: int
) -> None:
    index = SlotIndex()
    expected = {}
    for slot, ballot, segment, at, length in notes:
        index.note(Record(1, slot, ballot, length, b""), segment, at)
        expected[slot] = Location(ballot, segment, at, length)
    assert {slot: index.find(slot) for slot in expected} == expected
    assert list(index.above(above)) == sorted((slot, where) for slot, where in expected.items() if slot > above)
    assert above in expected or index.find(above) is None
    index.drop(dropped)
    expected = {slot: where for slot, where in expected.items() if slot > dropped}
    assert dict(index.above(-1)) == expected
    sizes = [(where.segment, HEADER_BYTES + where.length) for where in expected.values()]
    assert index.held == (len(expected), sum(size for _, size in sizes))
    segments: Counter[int] = Counter()
    for segment, size in sizes:
        segments[segment] += size
    assert index.segments == segments
