"""A replica that takes in a snapshot from whatever the test sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ostraka_server.shard.snapshot_sink import Delivery, SnapshotSink
from ostraka_server.shard.snapshots import SnapshotMessage
from ostraka_server.store import FileFactory, Image, Owner
from tests.client.virtual_time import VirtualClock, turns
from tests.shard.script import new_group

T = TypeVar("T")


class InlineRunner:
    """Work is done at once."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None: ...


async def _install(image: Image) -> None:
    raise AssertionError("there is nothing to install")


async def answers(clock: VirtualClock, *messages: Delivery) -> list[SnapshotMessage]:
    """What the sink of replica 1 says when replica 2 sends it these. Raises what the sink ends with."""
    said: list[SnapshotMessage] = []
    with TemporaryDirectory() as directory:
        store, owner = FileFactory(Path(directory) / "group-1.db"), Owner("c", "n1", 1)
        sink = SnapshotSink(
            new_group(), store, owner, InlineRunner(), clock, lambda to, message: said.append(message), _install
        )
        running = asyncio.create_task(sink.run())
        for message in messages:
            sink.take(2, message)
            await turns()
        if not running.done():
            running.cancel()
            await asyncio.wait((running,))
        else:
            await running
    return said
