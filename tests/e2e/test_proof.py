"""The load and its proof against stores in memory, honest and not: what a cluster did wrong would be seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from ostraka.aio import Client
from ostraka.checking import load_operations
from ostraka.values import DeleteResult, KeyValue, PutResult
from tests.e2e.load import Load
from tests.e2e.proof import prove

TURNS = 100


class Store:
    """What a load uses of a client. Every put that `loses` picks is acknowledged and forgotten."""

    def __init__(self, *, loses_every: int = 0) -> None:
        self._loses_every = loses_every
        self._revision = 1
        self._rows: dict[bytes, KeyValue] = {}

    async def get(self, key: bytes) -> KeyValue | None:
        await asyncio.sleep(0)
        return self._rows.get(key)

    async def put(self, key: bytes, value: bytes) -> PutResult:
        await asyncio.sleep(0)
        self._revision += 1
        if not self._loses_every or self._revision % self._loses_every:
            self._rows[key] = KeyValue(key, value, self._revision, self._revision, 1)
        return PutResult(self._revision)

    async def delete(self, key: bytes) -> DeleteResult:
        await asyncio.sleep(0)
        self._revision += key in self._rows
        return DeleteResult(self._revision, int(self._rows.pop(key, None) is not None))


async def _loaded(store: Store) -> Load:
    load = Load(cast(Client, store), "test/", callers=20)
    async with load:
        for _ in range(TURNS):
            await load.run(0)
    return load


def test_an_honest_store_passes(tmp_path: Path) -> None:
    async def run() -> None:
        load = await _loaded(Store())
        assert load.acknowledged_writes() > TURNS
        assert load.unknown() == 0
        await prove(load, tmp_path / "history.jsonl")

    asyncio.run(run())
    assert not (tmp_path / "history.jsonl").exists()


def test_a_store_that_forgets_is_found_out_and_the_history_kept(tmp_path: Path) -> None:
    async def run() -> None:
        await prove(await _loaded(Store(loses_every=50)), tmp_path / "history.jsonl")

    with pytest.raises(AssertionError, match="not linearizable"):
        asyncio.run(run())
    with (tmp_path / "history.jsonl").open() as file:
        assert load_operations(file)
