"""etcd's transactions: which list is done, what its operations see, and under which revision."""

from __future__ import annotations

from typing import Any

import pytest

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import CompactRequest, Compare, GetRequest, RangeRequest
from ostraka_server.machine import DeleteResult, Machine, PutResult, RangeResult, Refused, Row, transaction
from ostraka_server.machine.results import ReadResult, TxnResult
from ostraka_server.machine.transaction import TXN_RESPONSE_BYTES_MAX
from tests.machine.bases import DictBase, apply, empty, flush, ranged
from tests.machine.commands import delete, entry, get, put, scan, txn

EQUAL, NOT_EQUAL, GREATER, LESS = Compare.EQUAL, Compare.NOT_EQUAL, Compare.GREATER, Compare.LESS
MARK = put(b"mark")
"""Its result tells which list was done."""


@pytest.fixture
def machine() -> Machine:
    """a=1 (created 2, modified 4, version 2), b=2 (3, 3, 1) at revision 4."""
    made = empty()
    apply(made, entry(put(b"a", b"0"), put(b"b", b"2"), put(b"a", b"1")))
    return made


def compare(key: bytes, operator: Compare.Operator.ValueType, range_end: bytes = b"", **target: Any) -> Compare:
    return Compare(key=key, range_end=range_end, operator=operator, **target)


def done(machine: Machine, command: Command) -> TxnResult:
    (result,) = apply(machine, entry(command))
    assert isinstance(result, TxnResult)
    return result


@pytest.mark.parametrize(
    ("compares", "holds"),
    [
        ([], True),
        # Each target, by each operator: what is there stands on the left
        ([compare(b"a", EQUAL, value=b"1")], True),
        ([compare(b"a", NOT_EQUAL, value=b"1")], False),
        ([compare(b"a", GREATER, value=b"0")], True),
        ([compare(b"a", GREATER, value=b"1")], False),
        ([compare(b"a", LESS, value=b"10")], True),  # as bytes
        ([compare(b"a", EQUAL, version=2)], True),
        ([compare(b"a", GREATER, version=2)], False),
        ([compare(b"a", EQUAL, create_revision=2)], True),
        ([compare(b"a", LESS, create_revision=3)], True),
        ([compare(b"a", EQUAL, mod_revision=4)], True),
        ([compare(b"a", NOT_EQUAL, mod_revision=4)], False),
        ([compare(b"a", EQUAL, lease=0)], True),
        ([compare(b"a", GREATER, lease=0)], False),
        # All of them have to hold
        ([compare(b"a", EQUAL, version=2), compare(b"b", EQUAL, version=1)], True),
        ([compare(b"a", EQUAL, version=2), compare(b"b", EQUAL, version=2)], False),
        # A key that is absent has zeros for numbers, and no value at all
        ([compare(b"none", EQUAL, version=0)], True),
        ([compare(b"none", EQUAL, create_revision=0)], True),
        ([compare(b"none", LESS, mod_revision=1)], True),
        ([compare(b"none", GREATER, mod_revision=0)], False),
        ([compare(b"none", EQUAL, lease=0)], True),
        ([compare(b"none", EQUAL, value=b"")], False),
        ([compare(b"none", NOT_EQUAL, value=b"1")], False),
        ([compare(b"none", LESS, value=b"1")], False),
        # Of a range, for every key; an empty range is like a key that is absent
        ([compare(b"a", GREATER, b"c", version=0)], True),
        ([compare(b"a", EQUAL, b"c", version=1)], False),
        ([compare(b"a", LESS, b"\0", value=b"3")], True),
        ([compare(b"a", LESS, b"\0", value=b"2")], False),
        ([compare(b"c", EQUAL, b"d", version=0)], True),
        ([compare(b"c", EQUAL, b"d", create_revision=1)], False),
        ([compare(b"c", NOT_EQUAL, b"d", value=b"1")], False),
        ([compare(b"a", EQUAL, b"a", version=0)], True),
    ],
)
def test_the_compares_choose_the_list(machine: Machine, compares: list[Compare], holds: bool) -> None:
    result = done(machine, txn(*compares, then=[put(b"then")], otherwise=[put(b"otherwise")]))
    assert result == TxnResult(5, holds, [PutResult(5, None)])
    assert (machine.get(b"then") is not None, machine.get(b"otherwise") is not None) == (holds, not holds)


def test_all_that_a_transaction_writes_has_one_revision(machine: Machine) -> None:
    result = done(machine, txn(then=[put(b"a", b"3", prev_kv=True), delete(b"b", prev_kv=True), put(b"c")]))
    before = [Row(b"a", b"1", 2, 4, 2), Row(b"b", b"2", 3, 3, 1)]
    assert result.revision == 5
    assert result.results == [PutResult(5, before[0]), DeleteResult(5, 1, (before[1],)), PutResult(5, None)]
    assert machine.revision == 5
    assert ranged(machine).rows == [Row(b"a", b"3", 2, 5, 3), Row(b"c", b"", 5, 5, 1)]


@pytest.mark.parametrize(
    "command", [txn(), txn(then=[get(b"a"), scan(b"a", b"\0")]), txn(then=[delete(b"none"), delete(b"x", b"z")])]
)
def test_what_writes_nothing_leaves_the_revision(machine: Machine, command: Command) -> None:
    result = done(machine, command)
    assert result.revision == machine.revision == 4
    assert {each.revision for each in result.results} <= {4}


def test_reads_see_the_writes_before_them_and_no_others(machine: Machine) -> None:
    operations = [get(b"a"), put(b"a", b"3"), get(b"a"), delete(b"b"), get(b"b"), put(b"c"), scan(b"a", b"\0")]
    first, _, second, _, third, _, last = done(machine, txn(then=operations)).results
    new = [Row(b"a", b"3", 2, 5, 3), Row(b"c", b"", 5, 5, 1)]
    assert first == ReadResult(4, 4, Row(b"a", b"1", 2, 4, 2))
    assert second == ReadResult(5, 5, new[0])
    assert third == ReadResult(5, 5, None)
    assert last == ReadResult(5, 5, RangeResult(new, False, 2))


def test_a_delete_finds_what_another_has_left(machine: Machine) -> None:
    first, second, third = done(machine, txn(then=[delete(b"b"), delete(b"a", b"\0"), delete(b"a")])).results
    assert [each.deleted for each in (first, second, third) if isinstance(each, DeleteResult)] == [1, 1, 0]
    assert machine.revision == 5 and ranged(machine).rows == []


def test_counts_see_the_writes_before_them(machine: Machine) -> None:
    count = Command(range=RangeRequest(key=b"\0", range_end=b"\0", count_only=True))
    operations = [put(b"c"), count, delete(b"a", b"c"), put(b"d"), count]
    counted = [each.found for each in done(machine, txn(then=operations)).results if isinstance(each, ReadResult)]
    assert [found.count for found in counted if isinstance(found, RangeResult)] == [3, 2]


def test_a_nested_transaction_shares_the_revision_and_sees_the_writes_before_it(machine: Machine) -> None:
    nested = txn(compare(b"a", EQUAL, value=b"1"), then=[get(b"a"), put(b"b", b"nested")], otherwise=[MARK])
    result = done(machine, txn(then=[put(b"a", b"3"), nested, get(b"b")]))
    assert result.results == [
        PutResult(5, None),
        TxnResult(5, True, [ReadResult(5, 5, Row(b"a", b"3", 2, 5, 3)), PutResult(5, None)]),
        ReadResult(5, 5, Row(b"b", b"nested", 3, 5, 2)),
    ]


def test_compares_of_nested_transactions_look_at_what_was_there_before(machine: Machine) -> None:
    """As etcd does, and as a transaction over several shards will have to."""
    absent, there = compare(b"new", EQUAL, version=0), compare(b"b", EQUAL, version=1)
    deep = txn(there, then=[put(b"deep")])
    result = done(machine, txn(then=[put(b"new"), delete(b"b"), txn(absent, then=[deep], otherwise=[MARK])]))
    assert result.results[2] == TxnResult(5, True, [TxnResult(5, True, [PutResult(5, None)])])


def test_compares_of_lists_that_are_not_done_do_not_count(machine: Machine) -> None:
    """Each outcome goes to its own transaction, whatever stands beside it."""
    holds, fails = compare(b"a", EQUAL, version=2), compare(b"a", EQUAL, version=9)
    no = [put(b"no"), put(b"never")]
    choice = [txn(fails, then=no[:1], otherwise=[put(b"1")]), txn(holds, then=[put(b"2")], otherwise=no[1:])]
    unused = [txn(holds, then=[txn(fails)])] * 2
    result = done(machine, txn(fails, then=unused, otherwise=choice))
    nested = [TxnResult(5, False, [PutResult(5, None)]), TxnResult(5, True, [PutResult(5, None)])]
    assert result == TxnResult(5, False, nested)
    assert [row.key for row in ranged(machine).rows] == [b"1", b"2", b"a", b"b"]


def test_an_answer_that_is_too_large_changes_nothing(machine: Machine) -> None:
    value = bytes(TXN_RESPONSE_BYTES_MAX // 3)
    apply(machine, entry(*(put(b"large%d" % number, value) for number in range(3))))
    before, digest = machine.revision, machine.digest
    everything = scan(b"\0", b"\0")
    for reads in (
        [everything],
        [get(b"large0"), get(b"large1"), get(b"large2")],
        [delete(b"large", b"larger", prev_kv=True)],
        [put(b"large%d" % number, prev_kv=True) for number in range(3)],
    ):
        (refused,) = apply(machine, entry(txn(then=[MARK, *reads])))
        assert isinstance(refused, Refused) and refused.reason == common_pb2.TOO_LARGE
        assert str(TXN_RESPONSE_BYTES_MAX) in refused.message
    assert (machine.revision, machine.get(b"mark")) == (before, None)
    assert machine.digest != digest, "a refusal is an effect as well"
    limited = Command(range=RangeRequest(key=b"large", range_end=b"\0", limit=2))
    assert isinstance(done(machine, txn(then=[MARK, limited])).results[1], ReadResult)


@pytest.mark.parametrize("flushed", [False, True])
def test_what_would_look_at_too_many_rows_changes_nothing(monkeypatch: pytest.MonkeyPatch, *, flushed: bool) -> None:
    monkeypatch.setattr(transaction, "TXN_ROWS_MAX", 100)
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(*(put(b"k%04d" % number) for number in range(6400)), put(b"x"), delete(b"x")))
    if flushed:
        flush(machine, base)
    before = machine.revision
    first, last = b"k0000", b"k0051"
    limited = Command(range=RangeRequest(key=b"k", range_end=b"l", limit=10, without_count=True))
    counted = Command(range=RangeRequest(key=b"k0001", range_end=b"l", count_only=True))
    compare = Compare(key=first, range_end=last, operator=GREATER, version=0)
    for refused_one in (
        txn(then=[MARK, scan(b"k", b"l")]),
        txn(then=[MARK, *2 * [scan(first, last)]]),
        txn(then=[MARK, Command(range=RangeRequest(key=b"k", range_end=b"l", count_only=True)), counted]),
        txn(Compare(key=b"k", range_end=b"l", operator=GREATER, version=0), then=[MARK]),
        txn(compare, then=[MARK, txn(compare)]),
    ):
        (refused,) = apply(machine, entry(refused_one))
        assert isinstance(refused, Refused) and refused.reason == common_pb2.TOO_LARGE
        assert "TXN_ROWS_MAX" in refused.message
    assert (machine.revision, machine.get(b"mark")) == (before, None)
    assert len(done(machine, txn(compare, then=[MARK, limited])).results) == 2
    assert len(done(machine, txn(then=[MARK, counted])).results) == 2


def test_a_revision_of_the_future_refuses_the_whole_transaction(machine: Machine) -> None:
    """Also the one that it is about to make itself."""
    (refused,) = apply(machine, entry(txn(then=[MARK, Command(get=GetRequest(key=b"a", revision=5))])))
    assert isinstance(refused, Refused) and refused.reason == common_pb2.FUTURE_REVISION
    assert (machine.revision, machine.get(b"mark")) == (4, None)


def test_the_revision_before_the_transaction_can_be_read_within_it(machine: Machine) -> None:
    result = done(machine, txn(then=[put(b"a", b"3"), Command(get=GetRequest(key=b"a", revision=4))]))
    assert result.results[1] == ReadResult(5, 4, Row(b"a", b"1", 2, 4, 2))


def test_an_older_revision_can_be_read_unless_it_is_compacted(machine: Machine) -> None:
    old = [Command(get=GetRequest(key=b"a", revision=3)), Command(range=RangeRequest(key=b"a", revision=3))]
    row = Row(b"a", b"0", 2, 2, 1)
    first, second = done(machine, txn(then=[*old, delete(b"a")])).results[:2]
    assert first == ReadResult(4, 3, row)
    assert second == ReadResult(4, 3, RangeResult([row], False, 1))
    apply(machine, entry(Command(compact=CompactRequest(revision=4))))
    (refused,) = apply(machine, entry(txn(then=[MARK, old[1]])))
    assert isinstance(refused, Refused) and refused.reason == common_pb2.COMPACTED
    assert refused.compact_revision == 4
    assert (machine.revision, machine.get(b"mark")) == (5, None)


def test_what_a_transaction_replaces_is_history(machine: Machine) -> None:
    done(machine, txn(then=[put(b"a", b"3"), delete(b"b"), put(b"c")]))
    before = machine.rows_at(4)
    assert not isinstance(before, Refused)
    assert [before.get(key) for key in (b"a", b"b", b"c")] == [Row(b"a", b"1", 2, 4, 2), Row(b"b", b"2", 3, 3, 1), None]


def test_a_list_that_is_not_done_may_ask_what_cannot_be_answered(machine: Machine) -> None:
    future = Command(get=GetRequest(key=b"a", revision=99))
    assert done(machine, txn(then=[MARK], otherwise=[future])).revision == 5


def test_the_digest_tells_what_was_done_and_which_list(machine: Machine) -> None:
    digests = set()
    for command in (
        put(b"c"),
        txn(then=[put(b"c")]),
        txn(compare(b"a", EQUAL, version=9), otherwise=[put(b"c")]),
        txn(then=[put(b"c"), delete(b"a")]),
        txn(),
    ):
        twin = empty()
        apply(twin, entry(put(b"a", b"0"), put(b"b", b"2"), put(b"a", b"1")))
        apply(twin, entry(command))
        digests.add(twin.digest)
    assert len(digests) == 5


def test_a_transaction_that_only_reads_is_answered_from_the_state(machine: Machine) -> None:
    command = txn(compare(b"a", EQUAL, version=2), then=[get(b"b")])
    result = machine.read_transaction(command.txn)
    assert result == TxnResult(4, True, [ReadResult(4, 4, Row(b"b", b"2", 3, 3, 1))])
