"""The model answers what the machine answers; each was written without the other. It also knows its past."""

from __future__ import annotations

import random

import pytest

from ostraka.checking.witness import (
    Answer,
    Changed,
    Count,
    Delete,
    Get,
    Keyspace,
    Put,
    Range,
    Request,
    Row,
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
