"""Majorities."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos.quorum import majority


@pytest.mark.parametrize(("members", "smallest"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_majority_is_more_than_half(members: int, smallest: int) -> None:
    assert majority(members) == smallest


@given(st.data())
def test_any_two_quorums_share_a_member(data: st.DataObject) -> None:
    members = range(data.draw(st.integers(1, 25)))
    quorums = st.sets(st.sampled_from(members), min_size=majority(len(members)))
    assert data.draw(quorums) & data.draw(quorums)


@pytest.mark.parametrize("members", range(1, 8))
def test_no_smaller_number_would_do(members: int) -> None:
    smaller = [set(chosen) for chosen in combinations(range(members), majority(members) - 1)]
    assert any(not one & other for one in smaller for other in smaller)


def test_nobody_has_no_quorum() -> None:
    with pytest.raises(AssertionError):
        majority(0)
