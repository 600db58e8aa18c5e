"""What has ended, in the store: any history, against a store in dictionaries."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

import pytest

from ostraka_server.machine import Delta, MachineState, PastRow
from ostraka_server.store import ConnectionFactory, FileFactory, MemoryFactory, Owner, Store
from tests.machine.bases import DictBase
from tests.store.histories import ERA, History

OWNER = Owner("c", "n1", 1)


@pytest.fixture(params=["file", "memory"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> ConnectionFactory:
    return FileFactory(tmp_path / "s.db") if request.param == "file" else MemoryFactory()


def restarted(store: Store, factory: ConnectionFactory) -> Store:
    if isinstance(factory, MemoryFactory):
        factory = MemoryFactory(factory.serialize())
    store.close()
    return Store.open(factory, OWNER)


def same(store: Store, twin: DictBase, revision: int, start: bytes, end: bytes | None) -> None:
    for key in {*twin.rows, *(key for key, _ in twin.past)}:
        assert store.get_at(key, revision) == twin.get_at(key, revision)
    for values, descending in product((True, False), repeat=2):
        with (
            store.scan_at(start, end, revision, values=values, descending=descending) as found,
            twin.scan_at(start, end, revision, values=values, descending=descending) as expected,
        ):
            assert list(found) == list(expected)
    assert store.count_at(start, end, revision) == twin.count_at(start, end, revision)


@pytest.mark.parametrize("seed", range(4))
def test_any_revision_is_read_as_it_was(factory: ConnectionFactory, seed: int) -> None:
    history, twin, store = History(Random(seed)), DictBase(), Store.open(factory, OWNER)
    for _ in range(20):
        delta = history.delta()
        for base in (store, twin):
            base.write(delta)
        for revision in history.random.sample(history.revisions, min(8, len(history.revisions))):
            start, end = sorted(history.random.sample(history.keys, 2))
            same(store, twin, revision, *history.random.choice(((b"", None), (start, None), (start, end))))
        assert store.records() == twin.records()
    assert history.revision > 3 * ERA
    again = restarted(store, factory)
    for revision in history.revisions:
        same(again, twin, revision, b"", None)
    assert again.records() == twin.records() != {}
    again.close()


def test_what_is_written_twice_is_there_once(factory: ConnectionFactory) -> None:
    history, store = History(Random(7)), Store.open(factory, OWNER)
    for _ in range(3):
        delta = history.delta()
        for _ in range(2):
            store.write(delta)
    again = restarted(store, factory)
    assert again.count(b"", None) == (len(history.rows), history.slot)
    again.close()


def test_a_flush_on_the_way_does_not_change_what_is_scanned(tmp_path: Path) -> None:
    history, store = History(Random(8)), Store.open(FileFactory(tmp_path / "s.db"), OWNER)
    twin = DictBase()
    for _ in range(4):
        delta = history.delta()
        store.write(delta)
        twin.write(delta)
    revision = history.revision
    with twin.scan_at(b"", None, revision, values=True) as rows:
        expected = list(rows)
    with store.scan_at(b"", None, revision, values=True) as rows:
        first = next(rows)
        for _ in range(4):
            store.write(history.delta())
        assert [first, *rows] == expected
    with store.scan_at(b"", None, revision, values=True) as rows:
        assert list(rows) == expected
    store.close()


@pytest.mark.parametrize("rows_max", [1, 3, 1000])
def test_what_was_compacted_is_removed_bite_by_bite_and_nothing_else(factory: ConnectionFactory, rows_max: int) -> None:
    history, twin, store = History(Random(9)), DictBase(), Store.open(factory, OWNER)
    for _ in range(20):
        delta = history.delta()
        store.write(delta)
        twin.write(delta)
        if history.random.random() < 0.3:
            compact = history.random.choice(history.revisions)
            bites = 1
            while store.reclaim(compact, rows_max):
                bites += 1
                assert bites < 1000
            twin.reclaim(compact, rows_max)
            for revision in history.revisions:
                if revision >= compact:
                    same(store, twin, revision, b"", None)
            assert store._writer.execute("SELECT count(*) FROM past").fetchone() == (len(twin.past),)
    assert store.records() == twin.records()
    restarted(store, factory).close()


def test_a_reclamation_that_was_forgotten_begins_again(factory: ConnectionFactory) -> None:
    history, store = History(Random(10)), Store.open(factory, OWNER)
    for _ in range(10):
        store.write(history.delta())
    assert store.reclaim(history.revision, 5)
    again = restarted(store, factory)
    while again.reclaim(history.revision, 5):
        pass
    assert again._writer.execute("SELECT count(*) FROM past").fetchone() == (0,)
    again.close()


def test_a_file_shrinks_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(FileFactory(path), OWNER)
    rows = [PastRow(b"%d" % number, bytes(1000), 2, 2 + number, 1, 3 + number) for number in range(4000)]
    store.write(Delta({}, rows, {}, MachineState(1, 5000, bytes(16))))
    store.checkpoint()
    before = path.stat().st_size
    bites = 1
    while store.reclaim(5000, 500):
        bites += 1
    assert bites > 4000 / 500
    assert store.checkpoint() == 1
    assert path.stat().st_size < before / 10
    store.close()
