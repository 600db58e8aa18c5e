from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from ostraka_server.machine import Delta, MachineState, Row
from ostraka_server.store import ConnectionFactory, FileFactory, MemoryFactory, Owner, Store, StoredState, StoreError
from ostraka_server.store.statements import ROWS_MAX

OWNER = Owner(cluster="18446744073709551615", node="n1", group=1)
DIGEST = bytes(range(16))


@pytest.fixture(params=["file", "memory"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> ConnectionFactory:
    return FileFactory(tmp_path / "group-1.sqlite") if request.param == "file" else MemoryFactory()


@pytest.fixture
def store(factory: ConnectionFactory) -> Iterator[Store]:
    store = Store.open(factory, OWNER)
    yield store
    store.close()


def row(key: bytes, value: bytes = b"v", version: int = 1) -> Row:
    return Row(key, value, 2, 3, version)


def delta(slot: int, *rows: Row, deleted: tuple[bytes, ...] = ()) -> Delta:
    changes: dict[bytes, Row | None] = {each.key: each for each in rows}
    return Delta({**changes, **dict.fromkeys(deleted)}, (), {}, MachineState(slot, slot + 1, DIGEST))


def keys(store: Store, start: bytes = b"", end: bytes | None = None) -> list[bytes]:
    with store.scan(start, end, values=True) as rows:
        return [each[0] for each in chain(*rows)]


def test_the_stored_state_has_the_fields_of_the_machines() -> None:
    assert StoredState._fields == MachineState._fields


def test_a_new_store_has_no_state_and_no_rows(store: Store) -> None:
    assert store.state() is None
    assert store.get(b"a") is None
    assert keys(store) == []
    assert store.count(b"", None) == (0, 0)


def test_a_write_moves_rows_and_state_together(store: Store) -> None:
    store.write(delta(5, row(b"a", b""), row(b"b", b"\0\xff")))
    store.write(delta(9, row(b"b", b"new", 2), row(b"c"), deleted=(b"a", b"never there")))
    assert store.state() == StoredState(9, 10, DIGEST)
    assert store.get(b"a") is None
    assert store.get(b"b") == row(b"b", b"new", 2)
    assert keys(store) == [b"b", b"c"]


def test_a_write_that_fails_changes_nothing_and_can_be_repeated(store: Store) -> None:
    store.write(delta(5, row(b"a")))
    change = delta(6, row(b"b"), deleted=(b"a",))
    store._writer.execute("CREATE TEMP TRIGGER last BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(StoreError, match="cannot be read or written: no room"):
        store.write(change)
    assert (store.state(), keys(store)) == (StoredState(5, 6, DIGEST), [b"a"])
    store._writer.execute("DROP TRIGGER last")
    for _ in range(2):
        store.write(change)
    assert (store.state(), keys(store)) == (StoredState(6, 7, DIGEST), [b"b"])


def test_ranges_are_half_open_and_compare_bytes(store: Store) -> None:
    store.write(delta(1, *(row(key) for key in (b"\0", b"a", b"a\0", b"b", b"\xff"))))
    assert keys(store, b"a", b"b") == [b"a", b"a\0"]
    assert keys(store, b"a\0", None) == [b"a\0", b"b", b"\xff"]
    assert keys(store, b"b", b"b") == []
    assert store.count(b"a", b"b") == (2, 1)
    assert store.count(b"a", None) == (4, 1)


def test_a_milestone_has_so_many_keys_of_the_range_before_it(store: Store) -> None:
    store.write(delta(1, *(row(b"%d" % number) for number in range(5))))
    assert store.milestone(b"1", None, 2) == b"3"
    assert store.milestone(b"1", b"3", 1) == b"2"
    assert store.milestone(b"1", b"3", 2) is None
    assert store.milestone(b"0x", None, 4) is None


def test_values_are_left_out_on_demand(store: Store) -> None:
    store.write(delta(1, row(b"a", bytes(1 << 20))))
    with store.scan(b"", None, values=False) as rows:
        assert [*chain(*rows)] == [row(b"a", b"")]


@pytest.mark.parametrize("number", [ROWS_MAX - 1, ROWS_MAX, ROWS_MAX + 1])
def test_flushes_larger_than_a_statement(store: Store, number: int) -> None:
    rows = [row(b"%d" % each) for each in range(number)]
    store.write(delta(1, *rows))
    assert store.count(b"", None) == (number, 1)
    store.write(delta(2, deleted=tuple(each.key for each in rows)))
    assert store.count(b"", None) == (0, 2)


def test_a_scan_left_early_does_not_hold_back_later_reads(store: Store) -> None:
    store.write(delta(1, *(row(b"%d" % each) for each in range(100))))
    with store.scan(b"", None, values=True) as rows:
        next(rows)
    store.write(delta(2, row(b"new")))
    assert store.get(b"new") == row(b"new")


def test_a_file_lasts_and_its_wal_is_folded_in_on_close(tmp_path: Path) -> None:
    path = tmp_path / "a directory #1?" / "s.sqlite"
    path.parent.mkdir()
    store = Store.open(FileFactory(path), OWNER)
    store.write(delta(7, row(b"a")))
    assert store.get(b"a") == row(b"a")  # from now on both connections use the WAL
    store.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    again = Store.open(FileFactory(path), OWNER)
    assert (again.state(), again.get(b"a")) == (StoredState(7, 8, DIGEST), row(b"a"))
    again.close()


def test_an_image_lasts() -> None:
    factory = MemoryFactory()
    store = Store.open(factory, OWNER)
    store.write(delta(7, row(b"a")))
    image = factory.serialize()
    store.write(delta(8, row(b"b")))
    again = Store.open(MemoryFactory(image), OWNER)
    assert (again.state(), keys(again)) == (StoredState(7, 8, DIGEST), [b"a"])
    again.write(delta(8, *(row(b"%d" % each, bytes(5000)) for each in range(100))))
    assert again.count(b"", None) == (101, 8)
    store.close()
    again.close()


def test_writes_come_from_any_thread_and_reads_from_one(tmp_path: Path) -> None:
    store = Store.open(FileFactory(tmp_path / "s.sqlite"), OWNER)
    refused: list[StoreError] = []

    def elsewhere() -> None:
        store.write(delta(1, row(b"a")))
        try:
            store.get(b"a")
        except StoreError as error:
            refused.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert store.get(b"a") == row(b"a")
    assert len(refused) == 1 and "thread" in str(refused[0])
    store.close()


def test_a_scan_sees_one_checkpoint_while_another_is_written(tmp_path: Path) -> None:
    store = Store.open(FileFactory(tmp_path / "s.sqlite"), OWNER)
    store.write(delta(1, *(row(b"%d" % each) for each in range(10, 90))))
    with store.scan(b"", None, values=True) as rows:
        first = next(rows)
        store.write(delta(2, deleted=tuple(b"%d" % each for each in range(10, 90))))
        assert [*chain(first, *rows)] == [row(b"%d" % each) for each in range(10, 90)]
    assert keys(store) == []
    store.close()
