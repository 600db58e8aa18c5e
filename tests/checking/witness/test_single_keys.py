from __future__ import annotations

import random

import pytest

from ostraka.checking import Kind, Outcome, check_linearizable
from ostraka.checking.witness import (
    Changed,
    Count,
    Delete,
    Get,
    Keyspace,
    Put,
    Range,
    Row,
    check_witness,
    single_key_operations,
)
from tests.checking.witness.stores import Seen, served, spoiled

PUTS = [Seen(1, 0, 1, Outcome.OK, Put(key, b"1"), Changed(2 + at)) for at, key in enumerate([b"a", b"b", b"c"])]
A, B = Row(b"a", b"1", 2, 2, 1), Row(b"b", b"1", 3, 3, 1)


def operations(seen: Seen) -> list[tuple[Kind, bytes, bytes | None, int | None, bool | None]]:
    """What a call after those puts comes to."""
    made = single_key_operations([*PUTS, seen])[len(PUTS) :]
    assert all((each.call, each.returned, each.outcome) == (seen.call, seen.returned, seen.outcome) for each in made)
    return [(each.kind, each.key, each.value, each.revision, each.existed) for each in made]


def after(request: Get | Range | Count | Delete, answer: object, *, stale: bool = False) -> Seen:
    return Seen(2, 2, 3, Outcome.OK, request, answer, stale)  # type: ignore[arg-type]


def test_a_range_reads_every_key_up_to_where_it_ended() -> None:
    got_a, got_b = (Kind.GET, b"a", b"1", 2, None), (Kind.GET, b"b", b"1", 3, None)
    got_no_c = (Kind.GET, b"c", None, None, None)
    assert operations(after(Range(b"a", None), (A, B))) == [got_a, got_b, got_no_c]
    assert operations(after(Range(b"a", None, limit=2), (A, B))) == [got_a, got_b]
    assert operations(after(Range(b"a", b"c"), (A, B))) == [got_a, got_b]
    assert operations(after(Range(b"a", None, keys_only=True), (A, B))) == [got_no_c]


@pytest.mark.parametrize(("deleted", "existed"), [(0, False), (1, None), (2, True)])
def test_a_delete_of_several_keys_deletes_each(deleted: int, existed: bool | None) -> None:
    expected = [(Kind.DELETE, key, None, None, existed) for key in (b"a", b"b")]
    assert operations(after(Delete(b"a", b"c"), deleted)) == expected


def test_what_may_be_stale_and_counts_are_left_out() -> None:
    assert operations(after(Get(b"a"), None, stale=True)) == []
    assert operations(after(Count(b"a", None), 3)) == []


@pytest.mark.parametrize("seed", range(60))
def test_what_an_order_explains_is_linearizable_key_by_key(seed: int) -> None:
    rng = random.Random(seed)
    run = served(rng, 40)
    for _ in range(seed % 3):
        run = spoiled(rng, run)
    linearizable = check_linearizable(single_key_operations(run.seen)).ok
    assert linearizable or check_witness(Keyspace(), run.seen, run.decided) is not None


def test_a_stale_read_is_found_without_the_order() -> None:
    history = [*PUTS, Seen(2, 2, 3, Outcome.OK, Get(b"a"), None)]
    assert not check_linearizable(single_key_operations(history)).ok
