"""How the replicas of a node are opened. What they do then is seen in the simulated cluster."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.shard.directory import cluster_id
from ostraka_server.storage import FileStorage
from ostraka_server.store.verification import verify
from tests.metered_node import CONFIG, FORMED
from tests.rpc.cluster import ManualClock


class Nobody:
    """A transport to no other node."""

    def send(self, node: str, messages: Sequence[bytes]) -> None: ...


def test_stores_are_read_whole_beside_the_loop_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million rows take seconds, in which health and metrics are asked for and calls are to be refused."""
    readers: list[threading.Thread] = []

    def watched(connection: sqlite3.Connection, name: str) -> int:
        readers.append(threading.current_thread())
        return verify(connection, name)

    monkeypatch.setattr("ostraka_server.store.store.verify", watched)

    async def start() -> None:
        storage = FileStorage(tmp_path)
        open_log(CONFIG, cluster_id(FORMED.members), storage, must_exist=False).close()
        hosting = Hosting(CONFIG, FORMED, ManualClock(), Random(1), Nobody(), storage, lambda size: True)
        await hosting.open()
        assert hosting.groups.keys() == SHARDS.keys()
        await hosting.close()

    asyncio.run(start())
    assert len(readers) == len(SHARDS)
    assert threading.main_thread() not in readers
