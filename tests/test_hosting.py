"""How the replicas of a node are opened. What they do then is seen in the simulated cluster."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from ostraka_server.config import Limits
from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.rpc.pages import readiness
from ostraka_server.serving import Serving
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.layout import FIRST_GROUP
from ostraka_server.storage import FileStorage
from ostraka_server.store import MemoryFactory, Owner, Store, complete, take
from ostraka_server.store.verification import verify
from tests.client.virtual_time import turns
from tests.metered_node import CONFIG, FORMED
from tests.rpc.cluster import ManualClock, Wire
from tests.shard.script import StoppedWall
from tests.store.histories import some_delta


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
        hosting = Hosting(CONFIG, FORMED, ManualClock(), StoppedWall(), Random(1), Nobody(), storage, lambda size: True)
        await hosting.open()
        assert hosting.groups.keys() == SHARDS.keys()
        await hosting.close()

    asyncio.run(start())
    assert len(readers) == len(SHARDS)
    assert threading.main_thread() not in readers


def test_who_calls_meanwhile_is_told_so(tmp_path: Path) -> None:
    async def start() -> None:
        clock, storage = ManualClock(), FileStorage(tmp_path)
        open_log(CONFIG, cluster_id(FORMED.members), storage, must_exist=False).close()
        gateway = Gateway(node="n1", limits=Limits(), forwarder=Forwarder(Wire(), {}, clock), clock=clock)
        serving = Serving(
            CONFIG,
            FORMED,
            gateway,
            clock=clock,
            wall=StoppedWall(),
            random=Random(1),
            storage=storage,
            replicas=Nobody(),
        )
        loading = asyncio.create_task(serving.load())
        await turns()
        (missing,) = json.loads(readiness(gateway).body)["missing"]
        assert "reading its stores" in missing
        await loading
        await serving.close()

    asyncio.run(start())


def test_a_log_that_a_crash_kept_from_letting_go_of_what_a_snapshot_covers_does_so_at_the_start(tmp_path: Path) -> None:
    """Of entries below the slot that a snapshot is the state after, the log cannot tell which were chosen."""

    async def start() -> None:
        storage, cluster = FileStorage(tmp_path), cluster_id(FORMED.members)
        log = open_log(CONFIG, cluster, storage, must_exist=False)
        for slot in range(1, 8):
            log.accept(FIRST_GROUP, slot, (1, 1, 1), b"perhaps not chosen")
        log.flush()
        log.close()
        theirs = MemoryFactory()
        owner = Owner(f"{cluster:016x}", "n2", FIRST_GROUP)
        Store.open(theirs, owner).write(some_delta(5))
        _, digest, copied = take(theirs)
        factory = storage.store(FIRST_GROUP)
        image = factory.receive()
        image.write(0, copied.read(0, copied.size))
        assert complete(image, digest, owner._replace(node=CONFIG.node))
        factory.replace(image)
        for _ in range(2):
            hosting = Hosting(
                CONFIG, FORMED, ManualClock(), StoppedWall(), Random(1), Nobody(), storage, lambda size: True
            )
            await hosting.open()
            assert [entry.slot for entry in hosting.log.above(FIRST_GROUP, hosting.log.base(FIRST_GROUP))] == [6, 7]
            group = hosting.groups[FIRST_GROUP]
            assert (group.replica.decided_through, group.lost) == (5, False)
            await hosting.close()

    asyncio.run(start())
