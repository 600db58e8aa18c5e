"""Stores that must not be used: another's, another format, no store at all. Each is refused by name."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ostraka_server.machine import Delta, MachineState, Row
from ostraka_server.store import (
    DamagedStore,
    FileFactory,
    ForeignStore,
    MemoryFactory,
    Owner,
    Store,
    StoreError,
    UnknownStore,
)

OWNER = Owner(cluster="c", node="n1", group=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store of a hundred rows."""
    path = tmp_path / "group-1.sqlite"
    store = Store.open(FileFactory(path), OWNER)
    rows = [Row(b"%d" % number, bytes(500), 2, 2, 1) for number in range(100)]
    store.write(Delta({row.key: row for row in rows}, (), {}, MachineState(1, 2, bytes(16))))
    store.close()
    return path


@pytest.mark.parametrize(
    ("owner", "says"),
    [
        (OWNER._replace(cluster="d"), "belongs to cluster 'c', not 'd'"),
        (OWNER._replace(node="n2"), "belongs to node 'n1', not 'n2'"),
        (OWNER._replace(group=2), "belongs to group '1', not '2'"),
    ],
)
def test_another_owners(path: Path, owner: Owner, says: str) -> None:
    with pytest.raises(ForeignStore, match=says) as caught:
        Store.open(FileFactory(path), owner)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE meta SET value = '2' WHERE name = 'format'", "store format 2, this version knows 4"),
        ("DELETE FROM meta", "store format None"),
        ("DROP TABLE meta", "no Ostraka store"),
    ],
)
def test_another_format(path: Path, change: str, says: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(UnknownStore, match=says) as caught:
        Store.open(FileFactory(path), OWNER)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(DamagedStore, match=r"not a database.* rebuilds it") as caught:
        Store.open(FileFactory(path), OWNER)
    assert str(path) in str(caught.value)


def test_a_damaged_image() -> None:
    with pytest.raises(DamagedStore, match="in memory"):
        Store.open(MemoryFactory(b"\xff" * 8192), OWNER)


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "s.sqlite"
    with pytest.raises(StoreError, match="unable to open database file") as caught:
        Store.open(FileFactory(path), OWNER)
    assert str(path) in str(caught.value)


def test_a_store_that_was_set_aside_begins_anew(path: Path) -> None:
    (path.parent / f"{path.name}-wal").write_bytes(b"of the store that is gone")
    FileFactory(path).set_aside()
    assert sorted(each.name for each in path.parent.iterdir()) == [f"{path.name}.damaged", f"{path.name}.damaged-wal"]
    store = Store.open(FileFactory(path), OWNER)
    assert store.state() is None
    store.close()
