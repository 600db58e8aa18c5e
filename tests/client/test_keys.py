from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka._keys import END_OF_KEYS, after, as_bytes, key_range, prefix_end, where

keys = st.binary(min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        (b"a", b"b"),
        (b"a\xff", b"b"),
        (b"a\xff\xff", b"b"),
        (b"ab\xfe", b"ab\xff"),
        (b"a\xffb", b"a\xffc"),
        (b"\xff", END_OF_KEYS),
        (b"\xff\xff", END_OF_KEYS),
        (b"", END_OF_KEYS),
    ],
)
def test_prefix_end_carries_and_truncates(prefix: bytes, end: bytes) -> None:
    assert prefix_end(prefix) == end


@given(st.lists(st.sampled_from(b"\x00a\xfe\xff"), max_size=3).map(bytes), keys)
def test_a_prefix_range_holds_exactly_the_keys_with_the_prefix(prefix: bytes, key: bytes) -> None:
    first, end = key_range(None, None, prefix)
    assert (first <= key and (end == END_OF_KEYS or key < end)) == key.startswith(prefix)


def test_ranges_without_start_or_end_reach_to_the_edges() -> None:
    assert key_range(None, None, None) == (b"\0", b"\0")
    assert key_range("b", None, None) == (b"b", b"\0")
    assert key_range(None, "c", None) == (b"\0", b"c")
    assert key_range(b"", b"", None) == (b"\0", b"\0")  # as a shard's start and end are written


def test_a_prefix_beside_a_start_or_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        key_range("a", None, "b")


@pytest.mark.parametrize("end", ["", b""])
def test_what_is_to_be_deleted_or_compared_never_ends_at_an_empty_end(end: bytes | str) -> None:
    """A variable that was not set must not mean every key from there on."""
    with pytest.raises(ValueError, match="end is empty"):
        where("a", end, None)


def test_text_is_utf8_and_nothing_else_is_guessed() -> None:
    assert as_bytes("ö") == b"\xc3\xb6"
    assert as_bytes(b"\xff") == b"\xff"
    with pytest.raises(TypeError, match="bytes or str, not int"):
        as_bytes(3)  # type: ignore[arg-type]


@given(keys, keys)
def test_nothing_sorts_between_a_key_and_the_one_after(key: bytes, other: bytes) -> None:
    assert not key < other < after(key)
