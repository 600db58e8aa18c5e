"""Snapshots: copied while writes go on, made another node's own, put in the store's place."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ostraka_server.machine import Delta, MachineState, Row
from ostraka_server.store import (
    ConnectionFactory,
    DamagedStore,
    FileFactory,
    ForeignStore,
    MemoryFactory,
    Owner,
    Store,
    StoreError,
    complete,
    take,
)

SENDER, RECEIVER = Owner("c", "n1", 7), Owner("c", "n2", 7)

Factories = Callable[[str], ConnectionFactory]


@pytest.fixture(params=["file", "memory"])
def factories(request: pytest.FixtureRequest, tmp_path: Path) -> Factories:
    if request.param == "memory":
        return lambda name: MemoryFactory(name=name)
    return lambda name: FileFactory(tmp_path / f"{name}.db")


def write(store: Store, slot: int, **rows: bytes) -> None:
    changes = {key.encode(): Row(key.encode(), value, 2, 2, 1) for key, value in rows.items()}
    store.write(Delta(changes, (), {}, MachineState(slot, slot + 1, bytes(16))))


def slot_of(store: Store) -> int:
    state = store.state()
    return state.applied_slot if state else 0


def transfer(sender: ConnectionFactory, receiver: ConnectionFactory, owner: Owner = RECEIVER) -> bool:
    """In pieces, the last one short. Whether it arrived whole."""
    _, digest, image = take(sender)
    received = receiver.receive()
    for offset in range(0, image.size, 3000):
        received.write(offset, image.read(offset, 3000))
    whole = complete(received, digest, owner)
    if whole:
        receiver.replace(received)
    return whole


def test_opening_what_replaced_a_store_writes_nothing(tmp_path: Path) -> None:
    """It happens on the loop, and turning a copy into a database with a WAL syncs its file twice."""
    sender, receiver = FileFactory(tmp_path / "sender.db"), FileFactory(tmp_path / "receiver.db")
    theirs = Store.open(sender, SENDER)
    write(theirs, 5, a=b"1")
    assert transfer(sender, receiver)
    before = (tmp_path / "receiver.db").read_bytes()
    Store.open(receiver, RECEIVER, verified=True).close()
    assert (tmp_path / "receiver.db").read_bytes() == before
    theirs.close()


def test_a_snapshot_takes_the_place_of_another_nodes_store(factories: Factories) -> None:
    sender, receiver = factories("sender"), factories("receiver")
    theirs, old = Store.open(sender, SENDER), Store.open(receiver, RECEIVER)
    write(theirs, 5, a=b"1" * 5000, b=b"2")
    write(old, 2, a=b"old", gone=b"0")
    old.close()
    assert transfer(sender, receiver)
    write(theirs, 6, c=b"3")
    mine = Store.open(receiver, RECEIVER)
    assert (slot_of(mine), slot_of(theirs)) == (5, 6)
    assert mine.count(b"", None) == (2, 5)
    assert mine.get(b"a") == (b"a", b"1" * 5000, 2, 2, 1)
    write(mine, 6, c=b"3")
    mine.close()
    theirs.close()


def test_a_snapshot_of_an_empty_store_is_at_slot_0(factories: Factories) -> None:
    sender = factories("sender")
    store = Store.open(sender, SENDER)
    assert take(sender).slot == 0
    store.close()


def test_bytes_that_are_not_those_sent_are_noticed(factories: Factories) -> None:
    sender, receiver = factories("sender"), factories("receiver")
    store = Store.open(sender, SENDER)
    write(store, 5, a=b"1")
    _, digest, image = take(sender)
    received = receiver.receive()
    received.write(0, image.read(0, image.size))
    received.write(image.size - 1, b"\xff")
    assert not complete(received, digest, RECEIVER)
    store.close()


@pytest.mark.parametrize("owner", [Owner("other", "n2", 7), Owner("c", "n2", 8)])
def test_another_cluster_or_group_is_refused(factories: Factories, owner: Owner) -> None:
    sender = factories("sender")
    store = Store.open(sender, SENDER)
    with pytest.raises(ForeignStore):
        transfer(sender, factories("receiver"), owner)
    store.close()


def test_a_checkpoint_tells_what_is_durable_and_not_more(tmp_path: Path) -> None:
    """A reader at an older state keeps the WAL from being copied whole: then nothing is claimed."""
    store = Store.open(FileFactory(tmp_path / "s.db"), SENDER)
    write(store, 1, a=b"1", b=b"1", c=b"1")
    assert store.checkpoint() == 1
    assert store.checkpoint() == 1
    with store.scan(b"", None, values=True) as rows:
        next(rows)
        write(store, 2, a=b"2", b=b"2")
        assert store.checkpoint() is None
    assert store.checkpoint() == 2
    file_alone = tmp_path / "copy.db"
    file_alone.write_bytes((tmp_path / "s.db").read_bytes())
    copied = Store.open(FileFactory(file_alone), SENDER)
    assert slot_of(copied) == 2, "without the WAL"
    copied.close()
    store.close()


def test_the_twin_says_what_must_survive(tmp_path: Path) -> None:
    saved: list[Any] = []
    factory = MemoryFactory(saved=saved.append)
    store = Store.open(factory, SENDER)
    write(store, 1, a=b"1")
    assert saved == []
    assert store.checkpoint() == 1
    write(store, 2, a=b"2")
    assert slot_of(Store.open(MemoryFactory(saved[-1]), SENDER)) == 1


def test_a_copy_is_whole_while_the_store_is_written(tmp_path: Path) -> None:
    factory = FileFactory(tmp_path / "s.db")
    store = Store.open(factory, SENDER)
    for slot in range(1, 20):
        write(store, slot, **{f"k{slot}": bytes(9000)})
        if slot % 5 == 0:
            snapshot = take(factory)
            assert snapshot.slot == slot
            snapshot.image.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.db", "s.db-shm", "s.db-wal"]
    store.close()


def test_images_that_a_process_left_behind_are_removed_and_nothing_else(tmp_path: Path) -> None:
    factory = FileFactory(tmp_path / "s.db")
    store = Store.open(factory, SENDER)
    before = {path.name for path in tmp_path.iterdir()}
    take(factory)
    factory.receive().write(0, b"the beginning")
    assert len(list(tmp_path.iterdir())) == len(before) + 2
    factory.clean()
    assert {path.name for path in tmp_path.iterdir()} == before
    store.close()


def test_what_holds_nothing_is_no_snapshot(factories: Factories) -> None:
    image = factories("n2").receive()
    image.write(0, b"")
    with pytest.raises(StoreError):
        complete(image, sha256().digest(), RECEIVER)


def test_an_image_whose_own_text_is_damaged_is_refused_by_name(factories: Factories) -> None:
    """Taken from a store that a flipped bit has spoiled, and sent under its digest."""
    source = Store.open(MemoryFactory(), SENDER)
    write(source, 5, a=b"1")
    damaged = source._writer.serialize().replace(b"version INTEGER NOT", b"version INTEGER NO\xd4")
    source.close()
    image = factories("n2").receive()
    image.write(0, damaged)
    with pytest.raises(DamagedStore):
        complete(image, sha256(damaged).digest(), RECEIVER)
