"""The write-behind: what a machine applied moves to its store, many entries in one transaction.

The log makes a write durable, the store is a checkpoint: so nothing waits for a flush but a machine whose lag has
reached its bound. A failed write stops the node; what it held is replayed from the log. One that meets damage costs the
replica its store only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from ostraka.clock import Clock
from ostraka_server.distribution import seconds
from ostraka_server.machine.base import Delta
from ostraka_server.shard.applying import UNFLUSHED_BYTES_MAX
from ostraka_server.shard.group import Group
from ostraka_server.shard.retention import Retention
from ostraka_server.shard.seams import Runner
from ostraka_server.store import DamagedStore


class Checkpoint(Protocol):
    """Where a machine's changes go."""

    def write(self, delta: Delta) -> None:
        """One transaction; blocking, in a thread of its own. Raises on any failure, having changed nothing."""

    def checkpoint(self) -> int | None:
        """Make what was written durable; the applied slot that is so now, None where it cannot be told. Blocking."""

    def reclaim(self, compact_revision: int, blocks_max: int) -> bool:
        """Remove so many blocks of rows that ended by then; whether there are more. Blocking."""

    @property
    def past_rows(self) -> int:
        """Rows of the past that are there."""


class Flusher:
    """One group's. With a `retention` it also keeps the log short, behind what is durable in the store."""

    def __init__(
        self,
        group: Group,
        store: Checkpoint,
        runner: Runner,
        clock: Clock,
        interval_s: float,
        urgent_entries: int,
        retention: Retention | None = None,
    ) -> None:
        self.store = store
        self._group = group
        self._retention = retention
        self._runner = runner
        self._clock = clock
        self._interval_s = interval_s
        self._urgent_entries = urgent_entries
        self._work = asyncio.Event()
        self._urgent = asyncio.Event()
        self._delta: Delta | None = None  # what is being written
        self.busy = asyncio.Lock()
        """Held while the store is written to, or replaced."""
        self.flushed = asyncio.Event()
        """Set by each flush."""
        self.flush_seconds = seconds()
        self.checkpoint_seconds = seconds()
        """Of both: until the store's thread had done it, which other groups keep busy, too."""

    def notice(self) -> None:
        """The machine may have applied something."""
        machine = self._group.machine
        if machine.unflushed_entries:
            self._work.set()
        if machine.unflushed_entries >= self._urgent_entries or machine.unflushed_bytes >= UNFLUSHED_BYTES_MAX // 2:
            self._urgent.set()

    async def run(self) -> None:
        """Flush for ever: an interval after something was applied, at once when much was. Idle means asleep."""
        while True:
            await self._work.wait()
            timer = self._clock.call_at(self._clock.now() + self._interval_s, self._urgent.set)
            await self._urgent.wait()
            timer.cancel()
            self._work.clear()
            self._urgent.clear()
            await self.flush()
            await self._shorten_log()
            self.notice()

    async def flush(self) -> None:
        """Write all that was applied until now. Cancelled on the way, the next call begins with the same write again:
        whether the first one was completed, nobody knows, and twice makes no difference."""
        async with self.busy:
            await self._write()
            if not self._group.lost:  # by now it may be: then the machine may have applied half an entry
                self._delta = self._group.machine.begin_flush()
                await self._write()

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """While entered nothing is written: store and machine may be replaced."""
        async with self.busy:
            self._delta = None
            yield

    async def _shorten_log(self) -> None:
        if self._retention is None or not self._retention.surplus:
            return
        async with self.busy:
            if self._group.lost:
                return
            began = self._clock.now()
            try:
                durable = await self._runner.run(self.store.checkpoint)
            except DamagedStore as damage:
                return self._group.damaged(damage)
            self.checkpoint_seconds.observe(self._clock.now() - began)
        if durable is not None and not self._group.lost:
            self._retention.truncate_behind(durable)

    async def _write(self) -> None:
        delta = self._delta
        if delta is None or self._group.lost:
            return
        began = self._clock.now()
        try:
            await self._runner.run(lambda: self.store.write(delta))
        except DamagedStore as damage:
            return self._group.damaged(damage)
        self.flush_seconds.observe(self._clock.now() - began)
        self._delta = None
        self._group.machine.end_flush()
        self._group.flushed()
        self.flushed.set()
