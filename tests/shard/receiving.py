"""A replica that takes in a snapshot from whatever the test sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from errno import EIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ostraka_server.paxos import ReplicaId
from ostraka_server.shard.seams import Runner
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


class FailingRunner(InlineRunner):
    """The disk refuses one piece of work, counted from 1."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    async def run(self, work: Callable[[], T]) -> T:
        self._left -= 1
        if self._left == 0:
            raise OSError(EIO, "input/output error")
        return work()


async def _install(image: Image, slot: int) -> bool:
    raise AssertionError("there is nothing to install")


async def answers(
    clock: VirtualClock,
    *messages: Delivery,
    runner: Runner | None = None,
    has_room: Callable[[int], bool] = lambda size: True,
) -> list[SnapshotMessage]:
    """What the sink of replica 1 says when replica 2 sends it these. Raises what the sink ends with."""
    said: list[SnapshotMessage] = []
    with TemporaryDirectory() as directory:
        store, owner = FileFactory(Path(directory) / "group-1.db"), Owner("c", "n1", 1)

        def send(to: ReplicaId, message: SnapshotMessage) -> None:
            said.append(message)

        sink = SnapshotSink(new_group(), store, owner, runner or InlineRunner(), clock, send, _install, has_room)
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
