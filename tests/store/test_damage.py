"""What a disk may do to a store: it is the store that was written, or refused as damaged; never another one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ostraka_server.machine import Delta, MachineState, PastRow, Row
from ostraka_server.store import (
    DamagedStore,
    FileFactory,
    MemoryFactory,
    Owner,
    Store,
    StoredState,
    StoreError,
    UnknownStore,
    take,
)
from ostraka_server.store.verification import verify_file
from tests.store.histories import History

OWNER = Owner("c", "n1", 1)
PAGE = 4096
TABLES = ("kv", "past", "record")

SIZES = (0, 3, 20, 100, 300, 6000)
"""Of values: some are empty, and some too long for a page."""

Contents = tuple[StoredState | None, list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]]]
EMPTY: Contents = (None, [], [], [])


def histories(seed: int) -> History:
    return History(Random(seed), keys=60, sizes=SIZES)


def contents(store: Store) -> Contents:
    """All that there is."""
    kv, past, record = (store._reader.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES)
    return store.state(), kv, past, record


@pytest.fixture(scope="module")
def image() -> bytes:
    factory, history = MemoryFactory(), histories(1)
    store = Store.open(factory, OWNER)
    for _ in range(4):
        store.write(history.delta(40))
    assert all(contents(store))
    return factory.serialize()


def opened(image: bytes) -> Store:
    return Store.open(MemoryFactory(image), OWNER)


def damaged(image: bytes, random: Random) -> bytes:
    """A bit flipped, the end cut off, a page of zeros, or one page in the place of another."""
    result, at, kind = bytearray(image), random.randrange(len(image)), random.random()
    page, other = at // PAGE * PAGE, random.randrange(len(image) // PAGE) * PAGE
    if kind < 0.7:
        result[at] ^= 1 << random.randrange(8)
    elif kind < 0.8:
        del result[at:]
    else:
        result[page : page + PAGE] = bytes(PAGE) if kind < 0.9 else image[other : other + PAGE]
    return bytes(result)


def test_a_store_that_can_be_read_is_the_store_that_was_written(image: bytes) -> None:
    written, outcomes = contents(opened(image)), Counter[str]()
    for seed in range(1200):
        try:
            store = opened(damaged(image, Random(seed)))
        except (DamagedStore, UnknownStore) as refusal:
            outcomes[type(refusal).__name__] += 1
        else:
            assert contents(store) in (written, EMPTY), seed
            outcomes["unchanged" if store.state() else "empty"] += 1
    assert outcomes["DamagedStore"] > 700, outcomes
    assert outcomes["unchanged"] > 200, f"unused bytes: {outcomes}"


@pytest.fixture
def store() -> Store:
    store = opened(b"")
    for slot in (1, 2):
        rows = [Row(b"%d" % number, b"value %d" % slot, 1, slot, 1) for number in range(10)]
        past = [PastRow(*row[:3], slot - 1, 1, slot) for row in rows]
        records = {b"one": b"%d" % slot, b"other": b"same"}
        store.write(Delta({row.key: row for row in rows}, past, records, MachineState(slot, slot, bytes(16))))
    return store


def test_what_a_store_says_of_itself_is_checked(store: Store) -> None:
    """Ten rows: most of the image is header, schema, owner and state."""
    image, written, random = store._writer.serialize(), contents(store), Random(2)
    for at in random.sample([at for at, byte in enumerate(image) if byte], 1000):
        flipped = bytearray(image)
        flipped[at] ^= 1 << random.randrange(8)
        try:
            found = opened(bytes(flipped))
        except (DamagedStore, UnknownStore):
            continue
        assert contents(found) in (written, EMPTY), at


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kv SET value = 'other' WHERE key = x'33'",
        "UPDATE kv SET version = 2 WHERE key = x'33'",
        "UPDATE kv SET mod_revision = 1 WHERE key = x'33'",
        "UPDATE kv SET value_crc = 0 WHERE key = x'33'",
        "UPDATE kv SET crc = 0 WHERE key = x'33'",
    ],
)
def test_a_row_that_changed_while_the_store_was_open_is_not_served(store: Store, change: str) -> None:
    store._writer.execute(change.replace("'other'", "x'00'"))
    assert store.get(b"4") == (b"4", b"value 2", 1, 2, 1)
    with pytest.raises(DamagedStore, match="b'3' is not as it was written"):
        store.get(b"3")
    with pytest.raises(DamagedStore), store.scan(b"", None, values=True) as rows:
        list(rows)
    if "SET value =" not in change:  # which a scan of the keys does not read
        with pytest.raises(DamagedStore), store.scan(b"", None, values=False) as rows:
            list(rows)


@pytest.mark.parametrize(
    "change",
    ["block = zeroblob(length(block))", "block = x'00'", "rows = 9", "rows = 11", "crc = 0"],
)
def test_a_row_of_the_past_that_changed_while_the_store_was_open_is_not_served(store: Store, change: str) -> None:
    assert store.get_at(b"3", 1) == (b"3", b"value 2", 1, 1, 1)
    store._writer.execute(f"UPDATE past SET {change}")
    with pytest.raises(DamagedStore, match="are not as they were written"):
        store.get_at(b"3", 1)
    with pytest.raises(DamagedStore), store.scan_at(b"", None, 1, values=True) as rows:
        list(rows)


@pytest.mark.parametrize("change", ["value = x'00'", "crc = 0", "name = x'00'"])
def test_a_record_that_changed_is_not_served(store: Store, change: str) -> None:
    store._writer.execute(f"UPDATE record SET {change} WHERE name = CAST('one' AS BLOB)")
    with pytest.raises(DamagedStore, match="is not as it was written"):
        store.records()


@pytest.mark.parametrize("change", ["run = run + 1", "key = x'3333'", "end_revision = end_revision + 1"])
def test_rows_in_the_wrong_place_are_missed_at_the_next_start(store: Store, change: str) -> None:
    """Reads would not look for them there."""
    store._writer.execute(f"UPDATE past SET {change}")
    with pytest.raises(DamagedStore, match="are not as they were written"):
        opened(store._writer.serialize())


@pytest.mark.parametrize(
    "column",
    ["applied_slot", "revision", "kv_rows", "kv_crcs", "past_rows", "past_crcs", "record_rows", "record_crcs", "crc"],
)
def test_a_state_that_changed_is_not_believed(store: Store, column: str) -> None:
    store._writer.execute(f"UPDATE state SET {column} = {column} + 1")
    reads = (
        store.state,
        store.checkpoint,
        lambda: store.count(b"", None),
        lambda: store.write(Delta({}, (), {}, MachineState(3, 3, bytes(16)))),
    )
    for read in reads:
        with pytest.raises(DamagedStore, match="its state is not as it was written"):
            read()


@pytest.mark.parametrize("crc", ["0.5", "x'00'", "-1", "1 << 32", "1 << 62"])
def test_rows_are_not_replaced_where_they_say_of_themselves_what_no_row_can(store: Store, crc: str) -> None:
    """Damage may change the type of a cell, whatever the table says."""
    database = store._writer
    database.execute("PRAGMA writable_schema = ON")
    database.execute("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '') WHERE name = 'kv'")
    database.execute("PRAGMA writable_schema = RESET")
    database.execute(f"UPDATE kv SET crc = {crc}")
    before = store.state()
    for keys in (b"3",), (b"3", b"4"):
        with pytest.raises(DamagedStore):
            store.write(Delta(dict.fromkeys(keys), (), {}, MachineState(3, 3, bytes(16))))
    assert store.state() == before


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM kv WHERE key = x'33'",
        "DELETE FROM kv",
        "old row",
        "DELETE FROM past WHERE run = (SELECT max(run) FROM past)",
        "DELETE FROM past",
        "DELETE FROM record WHERE name = CAST('one' AS BLOB)",
        "DELETE FROM record",
        "DELETE FROM state",
    ],
)
def test_rows_that_vanished_or_came_back_are_missed_at_the_next_start(store: Store, change: str) -> None:
    if change == "old row":
        old = opened(b"")
        old.write(Delta({b"3": Row(b"3", b"value 1", 1, 1, 1)}, (), {}, MachineState(1, 1, bytes(16))))
        row = old._writer.execute("SELECT * FROM kv").fetchone()
        store._writer.execute("INSERT OR REPLACE INTO kv VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    else:
        store._writer.execute(change)
    with pytest.raises(DamagedStore, match="not all of them written last"):
        opened(store._writer.serialize())


def test_no_flipped_byte_of_a_wal_mixes_two_checkpoints(tmp_path: Path) -> None:
    """A WAL that breaks off in the middle may hide pages that are newer in the file already."""
    path, random, history = tmp_path / "s.db", Random(4), histories(4)
    store = Store.open(FileFactory(path), OWNER)
    states: list[Contents] = [contents(store)]
    for slot in range(1, 9):
        store.write(history.delta(100 if slot == 1 else 2))
        states.append(contents(store))
        if slot in (1, 8):
            assert store.checkpoint() == slot, "the file has all of it, and the WAL the same again"
    wal = Path(f"{path}-wal").read_bytes()
    outcomes = Counter[str]()
    for case in range(60):
        copy = tmp_path / f"{case}.db"
        shutil.copyfile(path, copy)
        flipped = bytearray(wal)
        flipped[random.randrange(len(wal))] ^= 1 << random.randrange(8)
        Path(f"{copy}-wal").write_bytes(flipped if case % 3 else wal[: random.randrange(len(wal))])
        try:
            found = Store.open(FileFactory(copy), OWNER)
        except DamagedStore:
            outcomes["damaged"] += 1
        else:
            assert contents(found) in states
            outcomes["older"] += 1
            found.close()
    assert len(outcomes) == 2, "some of both"
    store.close()


def test_damage_does_not_leave_in_a_snapshot(tmp_path: Path) -> None:
    factory = FileFactory(tmp_path / "s.db")
    store = Store.open(factory, OWNER)
    store.write(histories(1).delta(40))
    assert take(factory).slot == 1
    store._writer.execute("UPDATE kv SET value = x'00' WHERE key = (SELECT max(key) FROM kv)")
    with pytest.raises(DamagedStore, match="is not as it was written") as caught:
        take(factory)
    assert str(caught.value).startswith(str(tmp_path / "s.db") + " is damaged")
    assert not (tmp_path / "s.db.copy").exists()
    store.close()


def test_a_file_is_checked_by_a_program(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(FileFactory(path), OWNER)
    store.write(histories(1).delta(40))
    store.close()
    command = (sys.executable, "-m", "ostraka_server.store", str(path))
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"
    assert verify_file(path) == 1
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE state SET kv_rows = kv_rows + 1")
    connection.close()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "its state is not as it was written\n")
    with pytest.raises(StoreError, match="unable to open database file"):
        verify_file(tmp_path / "missing.db")


def test_what_lies_where_the_node_was_started_has_no_part_in_checking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    store = Store.open(FileFactory(path), OWNER)
    store.write(histories(1).delta(40))
    store.close()
    (tmp_path / "argparse.py").write_text("raise SystemExit('not the library')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    monkeypatch.chdir(tmp_path)
    assert verify_file(path) == 1
