"""The model answers what the machine answers; each was written without the other. It also knows its past."""

from __future__ import annotations

import random

import pytest

from ostraka.checking.witness import (
    Answer,
    Changed,
    Compare,
    Count,
    Delete,
    Done,
    Get,
    Keyspace,
    Put,
    Range,
    Request,
    Row,
    Txn,
    just_after,
)
from ostraka_server.machine import DeleteResult, Machine, PutResult
from tests.checking.witness.stores import requested
from tests.machine.bases import apply, empty, ranged
from tests.machine.commands import delete, entry, put


def machine_applies(machine: Machine, request: Request) -> Answer:
    if isinstance(request, Put):
        result = apply(machine, entry(put(request.key, request.value, prev_kv=request.prev)))[0]
        assert isinstance(result, PutResult)
        return Changed(result.revision, None if result.prev is None else Row(*result.prev))
    assert isinstance(request, Delete)
    result = apply(machine, entry(delete(request.start, _end(request.end))))[0]
    assert isinstance(result, DeleteResult)
    return result.deleted


def machine_answers(machine: Machine, request: Request) -> Answer:
    if isinstance(request, Get):
        row = machine.get(request.key)
        return None if row is None else Row(*row)
    assert isinstance(request, Range | Count)
    if isinstance(request, Count):
        return ranged(machine, request.start, _end(request.end), bytes_max=1, count_only=True).count
    found = ranged(
        machine,
        request.start,
        _end(request.end),
        bytes_max=1 << 30,
        limit=request.limit or 0,
        keys_only=request.keys_only,
    )
    return tuple(Row(*row) for row in found.rows)


def _end(end: bytes | None) -> bytes:
    return b"\0" if end is None else end


@pytest.mark.parametrize("seed", range(10))
def test_model_and_machine_answer_alike(seed: int) -> None:
    rng = random.Random(seed)
    model, machine = Keyspace(), empty()
    reads: list[tuple[Request, int, Answer]] = []
    applied = 0
    for number in range(300):
        request = requested(rng, number)
        if model.is_read(request):
            reads.append((request, applied, machine_answers(machine, request)))
        else:
            assert model.apply(request) == machine_applies(machine, request)
            applied += 1
    for request, state, answer in reads:
        assert model.read(request, state) == answer
        assert model.since(request, answer) <= state


def test_a_revision_that_never_was_is_in_no_state() -> None:
    model = Keyspace()
    model.apply(Put(b"k", b"v"))
    model.apply(Delete(b"x", just_after(b"x")))
    assert model.since(Get(b"k"), Row(b"k", b"v", 2, 2, 1)) == 1
    assert model.since(Get(b"k"), Row(b"k", b"v", 2, 3, 2)) == 3
    assert model.since(Get(b"k"), None) == 0


A, B = b"a", b"b"


def test_a_transaction_changes_all_under_one_revision_and_reads_what_it_wrote() -> None:
    model = Keyspace()
    model.apply(Put(A, b"1"))
    txn = Txn((), (Get(A), Put(A, b"2", prev=True), Get(A), Put(B, b"3"), Count(A, None), Delete(B + b"0", None)))
    before, after = Row(A, b"1", 2, 2, 1), Row(A, b"2", 2, 3, 2)
    assert model.apply(txn) == Done(True, (before, Changed(3, before), after, Changed(3), 2, 0))
    assert model.apply(Put(A, b"4")) == Changed(4)
    assert model.read(Range(A, None), 2) == (after, Row(B, b"3", 3, 3, 1)), "its state stays readable"


def test_a_transaction_that_changes_nothing_raises_no_revision() -> None:
    model = Keyspace()
    assert model.apply(Txn((), (Delete(A, B),))) == Done(True, (0,))
    assert model.apply(Put(A, b"1")) == Changed(2)


def test_a_transaction_that_only_reads_is_a_read_of_any_state() -> None:
    model = Keyspace()
    txn = Txn((Compare(A, "version", ">", 0),), (Get(A),), (Count(A, None),))
    assert model.is_read(txn)
    assert not model.is_read(Txn((), (Get(A),), (Put(A, b"1"),)))
    model.apply(Put(A, b"1"))
    assert model.read(txn, 0) == Done(False, (0,))
    assert model.read(txn, 1) == (found := Done(True, (Row(A, b"1", 2, 2, 1),)))
    assert model.since(txn, found) == 1


@pytest.mark.parametrize(
    ("compare", "holds"),
    [
        (Compare(A, "value", "==", b"1"), True),
        (Compare(A, "value", "<", b"1"), False),
        (Compare(A, "version", ">", 0), True),
        (Compare(A, "mod_revision", "!=", 2), False),
        (Compare(A, "create_revision", "<", 3), True),
        (Compare(B, "value", "!=", b"1"), False),
        (Compare(B, "version", "==", 0), True),
        (Compare(B, "mod_revision", ">", 0), False),
    ],
)
def test_a_compare_looks_at_what_is_there(compare: Compare, holds: bool) -> None:
    model = Keyspace()
    model.apply(Put(A, b"1"))
    assert model.apply(Txn((compare,), (Put(B, b"2"),), (Delete(B, None),))) == Done(
        holds, (Changed(3) if holds else 0,)
    )
