from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.checking import Operation, dump_operations, load_operations
from tests.checking.histories import delete, get, put, simulated

times = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@given(st.binary(), st.binary(), times, st.integers(min_value=1) | st.none())
def test_bytes_and_times_come_back_exactly(key: bytes, value: bytes, time: float, revision: int | None) -> None:
    operations = [put(time, time, value, revision, key=key), put(time, None, value, key=key), get(time, time, None)]
    assert load_operations(dump_operations(operations)) == operations


def test_whole_histories_come_back() -> None:
    rng = random.Random(0)
    operations = simulated(rng, 200, told=0.5, unknown=0.2)
    assert load_operations("".join(dump_operations(operations)).splitlines()) == operations


def test_a_line_is_readable_and_says_only_what_is_known() -> None:
    assert [
        json.loads(line) for line in dump_operations([put(0.5, None, b"a\xff", key=b"k"), delete(1, 2, False)])
    ] == [
        {"process": 1, "kind": "put", "key": "k", "call": 0.5, "outcome": "unknown", "value": "a\u00ff"},
        {"process": 3, "kind": "delete", "key": "k", "call": 1, "returned": 2, "outcome": "ok", "existed": False},
    ]


def test_lines_are_lines_whatever_the_bytes() -> None:
    lines = list(dump_operations([put(0, 1, b"a\nb\r\x85\x0b", key=b"\n")]))
    assert len("".join(lines).splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "[" * 100_000,
        "7",
        '{"process": 1}',
        '{"process": 1, "kind": "swap", "key": "k", "call": 0, "returned": 1, "outcome": "ok"}',
        '{"process": 1, "kind": "get", "key": "k", "call": 0, "outcome": "ok"}',
        '{"process": 1, "kind": "get", "key": 7, "call": 0, "returned": 1, "outcome": "ok"}',
        '{"process": 1, "kind": "get", "key": "\\u0100", "call": 0, "returned": 1, "outcome": "ok"}',
        '{"process": 1, "kind": "get", "key": "k", "call": 0, "returned": 1, "outcome": "ok", "lease": 1}',
    ],
)
def test_a_malformed_line_is_named(line: str) -> None:
    good = next(dump_operations([get(0, 1, None)]))
    with pytest.raises(ValueError, match="line 2 is not an operation"):
        load_operations([good, line])


def test_no_lines_are_no_operations() -> None:
    empty: list[Operation] = []
    assert load_operations(dump_operations(empty)) == empty
