"""Rows over rows, against dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, cycle, islice, takewhile

from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.shadow import shadow

Row = tuple[bytes, str]

KEYS = st.binary(min_size=1, max_size=1)


@given(st.sets(KEYS), st.dictionaries(KEYS, st.booleans()), st.lists(st.integers(1, 5), min_size=1), st.booleans())
def test_what_lies_above_hides_what_has_the_same_key_below(
    keys: set[bytes], changes: dict[bytes, bool], sizes: list[int], descending: bool
) -> None:
    ordered = iter([(key, "below") for key in sorted(keys, reverse=descending)])
    batches = list(takewhile(bool, (list(islice(ordered, size)) for size in cycle(sizes))))
    above = [(key, (key, "above") if changes[key] else None) for key in sorted(changes, reverse=descending)]
    expected = dict.fromkeys(keys, "below") | dict.fromkeys(changes, "above")
    found = list(shadow(iter(above), batches, descending=descending))
    assert [*chain(*found)] == [
        (key, expected[key]) for key in sorted(expected, reverse=descending) if changes.get(key, True)
    ]
    assert all(found), "no batch is empty"


def test_a_batch_that_nothing_touches_passes_as_it_is() -> None:
    first, second = [(b"a", "below"), (b"c", "below")], [(b"d", "below"), (b"f", "below")]
    found = list(shadow(iter([(b"e", (b"e", "above"))]), [first, second]))
    assert found[0] is first
    assert [*chain(*found[1:])] == [(b"d", "below"), (b"e", "above"), (b"f", "below")]


def test_no_more_is_read_above_than_has_to_be() -> None:
    read: list[tuple[bytes, Row]] = []

    def above() -> Iterator[tuple[bytes, Row]]:
        for number in range(100):
            read.append((b"b%02d" % number, (b"b%02d" % number, "above")))
            yield read[-1]

    found = chain.from_iterable(shadow(above(), [[(b"a", "below"), (b"c", "below")]]))
    assert [next(found), next(found)] == [(b"a", "below"), (b"b00", "above")]
    assert len(read) <= 2
