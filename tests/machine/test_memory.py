"""Memory holds what is not checkpointed, and a bounded cache."""

from __future__ import annotations

import tracemalloc

import pytest

from ostraka_server.machine import EMPTY_STATE, Machine
from ostraka_server.machine.cache import Cache
from ostraka_server.machine.overlay import PAST_OVERHEAD_BYTES, ROW_OVERHEAD_BYTES
from ostraka_server.machine.unknown import UNKNOWN
from tests.machine.bases import DictBase, apply, empty, flush, ranged
from tests.machine.commands import delete, entry, put


def test_nothing_to_flush_is_none() -> None:
    machine = empty()
    assert machine.begin_flush() is None
    apply(machine, b"")
    delta = machine.begin_flush()
    assert delta is not None and not delta.changes and delta.state.applied_slot == 1
    machine.end_flush()
    assert machine.begin_flush() is None


def test_a_delta_carries_all_that_changed_and_nobody_changes_it_later() -> None:
    machine = empty()
    apply(machine, entry(put(b"a", b"1"), put(b"b", b"1"), delete(b"b"), put(b"c")))
    delta = machine.begin_flush()
    assert delta is not None
    apply(machine, entry(put(b"a", b"2"), delete(b"c")))
    assert delta.state[:2] == (1, 5)
    assert {key: row and row.value for key, row in delta.changes.items()} == {b"a": b"1", b"b": None, b"c": b""}


def test_only_one_flush_at_a_time() -> None:
    machine = empty()
    apply(machine, b"")
    machine.begin_flush()
    apply(machine, b"")
    with pytest.raises(AssertionError, match="a flush is under way"):
        machine.begin_flush()


def test_what_waits_for_a_flush_is_counted_until_it_ended() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(put(b"a", bytes(1000))))
    apply(machine, entry(put(b"a", bytes(500))))
    assert machine.unflushed_entries == 2
    row, past = ROW_OVERHEAD_BYTES + len(b"a"), PAST_OVERHEAD_BYTES
    assert machine.unflushed_bytes == (row + 500) + (past + 1000)
    machine.begin_flush()
    apply(machine, entry(delete(b"a")))
    assert machine.unflushed_entries == 3
    assert machine.unflushed_bytes == (row + 500) + (past + 1000) + row + (past + 500)
    machine.end_flush()
    assert machine.unflushed_entries == 1
    assert machine.unflushed_bytes == row + (past + 500)


@pytest.mark.parametrize("keys", [5000, 50])
def test_unflushed_bytes_is_about_what_the_memory_is(keys: int) -> None:
    payloads = [entry(*(put(b"key %d" % ((at * 100 + n) % keys), bytes(128)) for n in range(100))) for at in range(50)]
    machine = empty()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for payload in payloads:
            apply(machine, payload)
        ranged(machine, limit=1)  # makes the overlay sort its keys
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.6 * used < machine.unflushed_bytes < 1.6 * used


@pytest.mark.parametrize(("cache_bytes_max", "expected"), [(1 << 20, 0), (0, 2)])
def test_flushed_rows_are_read_again_only_if_the_cache_is_too_small(cache_bytes_max: int, expected: int) -> None:
    base = DictBase()
    machine = Machine(base, base.state, cache_bytes_max=cache_bytes_max)
    apply(machine, entry(put(b"a"), put(b"b"), delete(b"b")))
    flush(machine, base)
    base.gets.clear()
    assert machine.get(b"a") is not None and machine.get(b"b") is None
    assert len(base.gets) == expected


def test_each_row_is_read_from_the_base_once() -> None:
    base = DictBase()
    machine = Machine(base, EMPTY_STATE)
    for _ in range(3):
        assert machine.get(b"absent") is None
    apply(machine, entry(put(b"absent")))
    assert base.gets == [b"absent"]


def test_the_cache_stays_within_its_bytes() -> None:
    base = DictBase()
    machine = Machine(base, base.state, cache_bytes_max=20 * (ROW_OVERHEAD_BYTES + 1))
    for number in range(100):
        apply(machine, entry(put(bytes([number]))))
        flush(machine, base)
    base.gets.clear()
    for number in reversed(range(100)):
        machine.get(bytes([number]))
    hits = 100 - len(base.gets)
    assert 5 <= hits <= 20


def test_a_layer_too_big_for_the_cache_leaves_no_old_row_in_it() -> None:
    base = DictBase()
    machine = Machine(base, base.state, cache_bytes_max=4 * ROW_OVERHEAD_BYTES)
    apply(machine, entry(put(b"a", b"old")))
    flush(machine, base)
    apply(machine, entry(put(b"a", bytes(5000))))
    flush(machine, base)
    row = machine.get(b"a")
    assert row is not None and row.value == bytes(5000)


def test_the_cache_keeps_what_is_asked_for() -> None:
    cache = Cache(bytes_max=8 * (ROW_OVERHEAD_BYTES + 1))
    cache.put(b"0", None)
    for number in range(1, 100):
        cache.put(bytes([number]), None)
        assert cache.get(b"0") is None
    assert cache.get(bytes([50])) is UNKNOWN


@pytest.mark.parametrize("committed", [False, True])
def test_counts_are_right_before_and_after_the_other_thread_commits(committed: bool) -> None:
    base = DictBase()
    machine = Machine(base, base.state, cache_bytes_max=0)
    apply(machine, entry(put(b"a"), put(b"b"), put(b"c")))
    flush(machine, base)
    apply(machine, entry(delete(b"a"), put(b"d"), put(b"d2"), put(b"b", b"again")))
    delta = machine.begin_flush()
    assert delta is not None
    if committed:
        base.write(delta)
    apply(machine, entry(put(b"a"), delete(b"d"), put(b"e"), delete(b"e")))
    left = [b"a", b"b", b"c", b"d2"]
    assert ranged(machine, b"a", b"\0", bytes_max=1, count_only=True).count == len(left)
    assert [row.key for row in ranged(machine, b"a", b"\0", bytes_max=1 << 20).rows] == left
