"""etcd's revisions, versions, range ends and deletes, case by case."""

from __future__ import annotations

import pytest

from ostraka.v1 import common_pb2
from ostraka.v1.kv_pb2 import DESCENDING
from ostraka_server.machine import (
    DELETE_BYTES_MAX,
    DELETE_PREV_BYTES_MAX,
    DeleteResult,
    Machine,
    PutResult,
    Refused,
    Row,
)
from tests.machine.bases import DictBase, apply, empty, flush, ranged
from tests.machine.commands import delete, entry, put, txn

KEYS = [b"\0", b"a", b"a\0", b"aa", b"b", b"b1", b"c", b"\xff", b"\xff\xff"]


@pytest.fixture(params=["overlay", "flushing", "base", "mixed"])
def stocked(request: pytest.FixtureRequest) -> Machine:
    """KEYS at revisions 2 to 10, wherever rows can lie."""
    base = DictBase()
    machine = Machine(base, base.state, cache_bytes_max=0)
    for number, key in enumerate(KEYS):
        apply(machine, entry(put(key, b"value of " + key)))
        if request.param == "mixed" and number == 3:
            flush(machine, base)
        if request.param == "mixed" and number == 6:
            machine.begin_flush()
    if request.param == "flushing":
        machine.begin_flush()
    if request.param == "base":
        flush(machine, base)
    return machine


def test_an_empty_shard_is_at_revision_one() -> None:
    machine = empty()
    assert (machine.revision, machine.applied_slot) == (1, 0)
    assert machine.get(b"a") is None


def test_each_put_raises_the_revision_also_with_the_same_value() -> None:
    machine = empty()
    assert apply(machine, entry(put(b"a", b"1"), put(b"b", b"1"))) == [PutResult(2, None), PutResult(3, None)]
    assert apply(machine, entry(put(b"a", b"1"))) == [PutResult(4, None)]
    assert machine.get(b"a") == Row(b"a", b"1", create_revision=2, mod_revision=4, version=2)
    assert machine.get(b"b") == Row(b"b", b"1", create_revision=3, mod_revision=3, version=1)
    assert machine.revision == 4


def test_a_key_put_after_its_delete_begins_anew() -> None:
    machine = empty()
    apply(machine, entry(put(b"a"), put(b"a"), delete(b"a"), put(b"a", b"new")))
    assert machine.get(b"a") == Row(b"a", b"new", create_revision=5, mod_revision=5, version=1)


def test_a_delete_raises_the_revision_once_however_many_keys_it_removes(stocked: Machine) -> None:
    assert apply(stocked, entry(delete(b"a", b"b"))) == [DeleteResult(11, 3, ())]
    assert stocked.revision == 11


def test_a_delete_of_nothing_leaves_the_revision(stocked: Machine) -> None:
    assert apply(stocked, entry(delete(b"nothing"))) == [DeleteResult(10, 0, ())]
    assert apply(stocked, entry(delete(b"x", b"y"), delete(b"a", b"a"))) == [DeleteResult(10, 0, ())] * 2


def test_prev_kv_gives_what_was_there_before() -> None:
    machine = empty()
    asked = apply(machine, entry(put(b"a", b"1", prev_kv=True), put(b"a", b"2", prev_kv=True), put(b"b", b"3")))
    assert asked == [PutResult(2, None), PutResult(3, Row(b"a", b"1", 2, 2, 1)), PutResult(4, None)]
    (deleted,) = apply(machine, entry(delete(b"a", b"\0", prev_kv=True)))
    assert isinstance(deleted, DeleteResult)
    assert list(deleted.prev) == [Row(b"a", b"2", 2, 3, 2), Row(b"b", b"3", 4, 4, 1)]


@pytest.mark.parametrize(
    ("key", "range_end", "found"),
    [
        (b"a", b"", [b"a"]),
        (b"a", b"a", []),
        (b"a", b"a\0", [b"a"]),
        (b"a", b"b", [b"a", b"a\0", b"aa"]),
        (b"aa", b"c", [b"aa", b"b", b"b1"]),
        (b"b", b"\0", [b"b", b"b1", b"c", b"\xff", b"\xff\xff"]),
        (b"\0", b"\0", KEYS),
        (b"\xff", b"\0", [b"\xff", b"\xff\xff"]),
        (b"d", b"e", []),
        (b"missing", b"", []),
    ],
)
def test_range_ends(stocked: Machine, key: bytes, range_end: bytes, found: list[bytes]) -> None:
    result = ranged(stocked, key, range_end, bytes_max=1 << 20)
    assert [row.key for row in result.rows] == found
    assert [row.value for row in result.rows] == [b"value of " + each for each in found]
    assert (result.count, result.more) == (len(found), False)
    counted = ranged(stocked, key, range_end, bytes_max=1 << 20, count_only=True)
    assert (counted.rows, counted.more, counted.count) == ((), False, len(found))
    (deleted,) = apply(stocked, entry(delete(key, range_end)))
    assert isinstance(deleted, DeleteResult) and deleted.deleted == len(found)
    assert ranged(stocked, b"\0", b"\0", bytes_max=1, count_only=True).count == len(KEYS) - len(found)


def test_a_limit_cuts_rows_and_not_the_count(stocked: Machine) -> None:
    page = ranged(stocked, b"a", b"\0", bytes_max=1 << 20, limit=3)
    assert ([row.key for row in page.rows], page.more, page.count) == ([b"a", b"a\0", b"aa"], True, 8)
    exact = ranged(stocked, b"b", b"c", bytes_max=1 << 20, limit=2)
    assert (len(exact.rows), exact.more, exact.count) == (2, False, 2)


def test_bytes_cut_rows_but_one_always_comes(stocked: Machine) -> None:
    page = ranged(stocked, b"a", b"\0", bytes_max=0)
    assert ([row.key for row in page.rows], page.more, page.count) == ([b"a"], True, 8)


def test_keys_only_leaves_out_values_alone(stocked: Machine) -> None:
    full = ranged(stocked, b"\0", b"\0", bytes_max=1 << 20).rows
    bare = ranged(stocked, b"\0", b"\0", bytes_max=1 << 20, keys_only=True).rows
    assert list(bare) == [row._replace(value=b"") for row in full]


def test_paging_meets_every_key_once(stocked: Machine) -> None:
    seen, start, more = [], b"\0", True
    while more:
        page = ranged(stocked, start, b"\0", bytes_max=1 << 20, limit=2)
        seen += [row.key for row in page.rows]
        start, more = page.rows[-1].key + b"\0", page.more
    assert seen == KEYS


def test_descending_is_ascending_reversed_wherever_rows_lie(stocked: Machine) -> None:
    for end in (b"\0", b"b1"):
        ascending = ranged(stocked, b"a", end).rows
        assert ranged(stocked, b"a", end, sort_order=DESCENDING).rows == ascending[::-1]


def test_the_last_keys_cost_no_walk_over_all_the_others() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(*(put(b"%03d" % number) for number in range(100))))
    flush(machine, base)
    last = ranged(machine, limit=2, sort_order=DESCENDING, without_count=True)
    assert ([row.key for row in last.rows], last.more) == ([b"099", b"098"], True)
    assert base.rows_read == 3, "and one more, to tell that there are more"


def test_a_delete_whose_rows_would_not_fit_an_answer_changes_nothing() -> None:
    machine = empty()
    value = bytes(1 << 20)
    apply(machine, entry(*(put(b"%d" % number, value) for number in range(DELETE_PREV_BYTES_MAX >> 20))))
    revision = machine.revision
    (refused,) = apply(machine, entry(delete(b"0", b"\0", prev_kv=True)))
    assert isinstance(refused, Refused) and str(DELETE_PREV_BYTES_MAX) in refused.message
    assert machine.revision == revision and machine.get(b"0") is not None
    assert apply(machine, entry(delete(b"0", b"\0"))) == [DeleteResult(revision + 1, 3, ())]


def fill(machine: Machine, prefix: bytes, size: int) -> int:
    """Put keys of 1 MiB of this size together, about; how many."""
    commands = [put(prefix + b"%03d" % number, bytes(1 << 20)) for number in range(size >> 20)]
    apply(machine, entry(*commands))
    return len(commands)


def test_a_delete_that_would_take_too_much_memory_changes_nothing() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    count = fill(machine, b"k", DELETE_BYTES_MAX)
    flush(machine, base)
    revision = machine.revision
    for command in (delete(b"k", b"l"), txn(then=[put(b"mark"), delete(b"k", b"l")])):
        (refused,) = apply(machine, entry(command))
        assert isinstance(refused, Refused) and refused.reason == common_pb2.TOO_LARGE
        assert str(DELETE_BYTES_MAX) in refused.message
        assert (machine.revision, machine.unflushed_bytes, base.scans_open) == (revision, 0, 0)
    assert apply(machine, entry(delete(b"k001", b"l"))) == [DeleteResult(revision + 1, count - 1, ())]


def test_a_delete_of_many_small_keys_takes_long_and_is_refused_too() -> None:
    machine = empty()
    apply(machine, entry(*(put(b"%05d" % number) for number in range(24_000))))
    revision = machine.revision
    (refused,) = apply(machine, entry(delete(b"0", b"\0")))
    assert isinstance(refused, Refused) and refused.reason == common_pb2.TOO_LARGE
    assert machine.revision == revision
    assert apply(machine, entry(delete(b"0", b"2"))) == [DeleteResult(revision + 1, 20_000, ())]


def test_the_deletes_of_a_transaction_share_their_bound() -> None:
    machine = empty()
    fill(machine, b"a", DELETE_BYTES_MAX // 2)
    fill(machine, b"b", DELETE_BYTES_MAX // 2)
    revision = machine.revision
    halves = [delete(b"a", b"b"), delete(b"b", b"c")]
    nested = [halves[0], txn(then=[halves[1]])]
    single = [*(delete(b"b%03d" % number) for number in range(DELETE_BYTES_MAX >> 21)), halves[0]]
    for deletes in (halves, nested, single):
        (refused,) = apply(machine, entry(txn(then=deletes)))
        assert isinstance(refused, Refused) and refused.reason == common_pb2.TOO_LARGE
        assert machine.revision == revision
    for half in halves:
        (result,) = apply(machine, entry(txn(then=[half])))
        assert not isinstance(result, Refused)


def test_a_cut_range_leaves_no_scan_open() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(*(put(b"%d" % number) for number in range(9))))
    flush(machine, base)
    assert ranged(machine, b"0", b"\0", bytes_max=1 << 20, limit=1).more
    assert base.scans_open == 0
