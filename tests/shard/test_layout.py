"""Which shard serves a key, and who follows a new layout when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.shard.layout import FIRST_LAYOUT, LAYOUT_KEY, Layout, MalformedLayout, Shard
from ostraka_server.shard.router import Router
from ostraka_server.wire.layout_pb2 import Layout as StoredLayout
from tests.machine.commands import entry, put
from tests.shard.script import new_group


def layout_of(cuts: list[bytes], number: int = 1) -> Layout:
    """Shards 1, 2, ... in groups 1, 2, ..., cut at these keys."""
    bounds = [b"", *cuts, b""]
    shards = (Shard(i, i, bounds[i - 1], bounds[i]) for i in range(1, len(bounds)))
    return Layout(number, tuple(shards))


cuts = st.lists(st.binary(min_size=1, max_size=3), unique=True).map(sorted)


@given(cuts, st.binary(max_size=4))
def test_every_key_is_in_exactly_one_shard(at: list[bytes], key: bytes) -> None:
    layout = layout_of(at)
    holding = [s for s in layout.shards if s.start <= key and (not s.end or key < s.end)]
    assert [layout.shard_of(key)] == holding


@given(cuts, st.integers(0, 2**63))
def test_a_layout_is_read_back_as_it_was_stored(at: list[bytes], number: int) -> None:
    layout = layout_of(at, number)
    assert Layout.decode(layout.encode()) == layout


@pytest.mark.parametrize(
    "shards",
    [
        (Shard(1, 1, b"a", b""),),
        (Shard(1, 1, b"", b"z"),),
        (Shard(1, 1, b"", b"b"), Shard(2, 2, b"c", b"")),
        (Shard(1, 1, b"", b"m"), Shard(2, 2, b"m", b"c"), Shard(3, 3, b"c", b"")),
        (),
    ],
)
def test_a_layout_without_a_place_for_some_key_cannot_be(shards: tuple[Shard, ...]) -> None:
    with pytest.raises(AssertionError):
        Layout(1, shards)


def test_a_router_starts_with_the_first_layout_and_follows_what_is_applied() -> None:
    groups = {number: new_group(number=number) for number in (0, 1, 2)}
    router = Router(groups)
    assert router.layout == FIRST_LAYOUT
    assert router.group_of(b"zebra") is groups[1]
    groups[0].machine.apply(1, entry(put(LAYOUT_KEY, layout_of([b"m"], 2).encode())))
    assert router.layout.number == 2
    assert (router.group_of(b"apple"), router.group_of(b"zebra")) == (groups[1], groups[2])


def test_a_request_need_not_name_the_only_shard() -> None:
    groups = {number: new_group(number=number) for number in (0, 1, 2)}
    router = Router(groups)
    assert router.data_group(0) is router.data_group(1) is groups[1]
    assert router.data_group(2) is None
    groups[0].machine.apply(1, entry(put(LAYOUT_KEY, layout_of([b"m"], 2).encode())))
    assert router.data_group(0) is None
    assert router.data_group(2) is groups[2]


def test_shards_are_found_by_number_and_the_system_groups_is_0() -> None:
    groups = {number: new_group(number=number) for number in (0, 1)}
    router = Router(groups)
    assert router.group_of_shard(0) is groups[0]
    assert router.group_of_shard(1) is groups[1]
    assert router.group_of_shard(7) is None
    assert router.shard(7) is None


@pytest.mark.parametrize(
    "stored",
    [
        b"\xff",
        b"",
        StoredLayout(shards=[StoredLayout.Shard(start=b"a")]).SerializeToString(),
        StoredLayout(shards=[StoredLayout.Shard(end=b"a")]).SerializeToString(),
        StoredLayout(shards=[StoredLayout.Shard(end=b"m"), StoredLayout.Shard(start=b"m", end=b"c"),
                             StoredLayout.Shard(start=b"c")]).SerializeToString(),
    ],
)  # fmt: skip
def test_what_is_stored_and_no_layout_is_refused_by_name(stored: bytes) -> None:
    with pytest.raises(MalformedLayout):
        Layout.decode(stored)
