"""What is left out of a failing case, and what is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.minimise import TRIES_MAX, minimise


@given(st.binary(min_size=1, max_size=60), st.binary(max_size=60))
def test_only_what_makes_it_fail_is_left(before: bytes, behind: bytes) -> None:
    assert minimise(before + b"\x07" + behind, lambda case: 7 in case) == b"\x07"


def test_what_fails_together_is_kept_together() -> None:
    assert minimise(tuple(range(100)), lambda case: {3, 50, 99} <= set(case)) == (3, 50, 99)


def test_what_fails_whatever_it_is_becomes_nothing() -> None:
    assert minimise(b"anything", lambda case: True) == b""


def test_it_ends_though_nothing_can_be_left_out() -> None:
    tried: list[bytes] = []

    def fails(case: bytes) -> bool:
        tried.append(case)
        return False

    assert minimise(bytes(10_000), fails) == bytes(10_000)
    assert len(tried) == TRIES_MAX
