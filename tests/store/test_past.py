"""What has ended, in the store: any history, against a store in dictionaries."""

from __future__ import annotations

from itertools import chain, product
from pathlib import Path
from random import Random

import pytest

from ostraka_server.machine import Delta, MachineState, PastRow
from ostraka_server.store import ConnectionFactory, FileFactory, MemoryFactory, Owner, Store, blocks, runs
from tests.machine.bases import DictBase
from tests.store.histories import History

OWNER = Owner("c", "n1", 1)


@pytest.fixture(params=["file", "memory"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> ConnectionFactory:
    return FileFactory(tmp_path / "s.db") if request.param == "file" else MemoryFactory()


@pytest.fixture(autouse=True, params=["tight", "as it is"])
def packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else these histories would make one run of one block."""
    if request.param == "tight":
        monkeypatch.setattr(runs, "RUN_ROWS_MAX", 6)
        monkeypatch.setattr(runs, "MERGED_ROWS_MAX", 20)
        monkeypatch.setattr(blocks, "BLOCK_ROWS_MAX", 3)


def past_of(store: Store) -> list[PastRow]:
    """All that is there, in its order."""
    found = store._writer.execute(f"SELECT {blocks.COLUMNS} FROM past ORDER BY run, key, end_revision")
    return [PastRow(*row) for cells in found for row in blocks.Block(cells, "it").rows()]


def runs_of(store: Store) -> list[tuple[int, int]]:
    """Each with its number of rows."""
    return store._writer.execute("SELECT run, sum(rows) FROM past GROUP BY run ORDER BY run").fetchall()


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
            assert [*chain(*found)] == [*chain(*expected)]
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
        expected = [*chain(*rows)]
    with store.scan_at(b"", None, revision, values=True) as rows:
        first = next(rows)
        for _ in range(4):
            store.write(history.delta())
        assert [*chain(first, *rows)] == expected
    with store.scan_at(b"", None, revision, values=True) as rows:
        assert [*chain(*rows)] == expected
    store.close()


@pytest.mark.parametrize("blocks_max", [1, 3, 1000])
def test_what_was_compacted_is_removed_bite_by_bite_and_nothing_else(
    factory: ConnectionFactory, blocks_max: int
) -> None:
    history, twin, store = History(Random(9)), DictBase(), Store.open(factory, OWNER)
    compact = 0
    for _ in range(20):
        delta = history.delta()
        store.write(delta)
        twin.write(delta)
        if history.random.random() < 0.3:
            compact = max(compact, history.random.choice(history.revisions))
            bites = 1
            while store.reclaim(compact, blocks_max):
                bites += 1
                assert bites < 1000
            twin.reclaim(compact, blocks_max)
            for revision in history.revisions:
                if revision >= compact:
                    same(store, twin, revision, b"", None)
            assert all(run > compact for run, _ in runs_of(store)), "no run of garbage is left"
            assert store.past_rows == len(past_of(store)) >= len(twin.past)
    assert store.records() == twin.records()
    restarted(store, factory).close()


def test_a_reclamation_that_was_forgotten_begins_again(factory: ConnectionFactory) -> None:
    history, store = History(Random(10)), Store.open(factory, OWNER)
    for _ in range(10):
        store.write(history.delta())
    more = store.reclaim(history.revision, 1)
    again = restarted(store, factory)
    while more:
        more = again.reclaim(history.revision, 1)
    assert past_of(again) == [] and again.past_rows == 0
    again.close()


def test_a_file_shrinks_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(FileFactory(path), OWNER)
    rows = [PastRow(b"%d" % number, bytes(1000), 2, 2 + number, 1, 3 + number) for number in range(4000)]
    store.write(Delta({}, rows, {}, MachineState(1, 5000, bytes(16))))
    store.checkpoint()
    before = path.stat().st_size
    bites = 1
    while store.reclaim(5000, 20):
        bites += 1
    assert bites > 4000 / blocks.BLOCK_ROWS_MAX / 20
    assert store.checkpoint() == 1
    assert path.stat().st_size < before / 10
    store.close()


@pytest.mark.parametrize("changes", [1, 3, 7, 40])
def test_runs_are_few_however_small_flushes_are(changes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MERGED_ROWS_MAX", 64)
    history, store = History(Random(11)), Store.open(MemoryFactory(), OWNER)
    written: list[PastRow] = []
    for _ in range(400 // changes):
        delta = history.delta(changes)
        store.write(delta)
        written += [PastRow(*row) for row in delta.past]
    assert sorted(past_of(store)) == sorted(written)
    found = runs_of(store)
    assert all(rows <= 64 for _, rows in found)
    assert len(found) <= len(written) / 16 + 6
    store.close()


def test_a_revision_that_ends_more_rows_than_a_run_takes_is_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUN_ROWS_MAX", 10)
    store = Store.open(MemoryFactory(), OWNER)
    ends = [3] * 4 + [4] * 25 + [5] * 12 + [6] * 2
    rows = [PastRow(b"%d" % number, b"", 2, 2, 1, end) for number, end in enumerate(ends)]
    store.write(Delta({}, rows, {}, MachineState(1, 6, bytes(16))))
    assert runs_of(store) == [(4, 29), (5, 12), (6, 2)]
    assert all(store.get_at(row.key, row.end_revision - 1) == row[:5] for row in rows)
    assert not any(store.get_at(row.key, row.end_revision) for row in rows)
    store.close()


def test_large_runs_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MERGED_BYTES_MAX", 1000)
    store = Store.open(MemoryFactory(), OWNER)
    for slot, size in enumerate((100, 100, 900, 100, 2000, 100), 1):
        row = PastRow(b"key", bytes(size), 2, 2 * slot, 1, 2 * slot + 1)
        store.write(Delta({}, [row], {}, MachineState(slot, 2 * slot + 1, bytes(16))))
    assert runs_of(store) == [(5, 2), (7, 1), (9, 1), (11, 1), (13, 1)]
    store.close()
