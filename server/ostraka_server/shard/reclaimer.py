"""What compaction has made garbage leaves the store, beside all else that happens to it.

A bite at a time, with pauses: flushes wait for one bite at most, and what calls need of processors is not taken from
them.
"""

from __future__ import annotations

from ostraka.clock import Clock
from ostraka_server.distribution import seconds
from ostraka_server.shard.flusher import Checkpoint, Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.seams import Runner
from ostraka_server.store import DamagedStore

BITE_ROWS = 1000
"""Takes 3 to 4 ms, and now and then as long as copying the WAL takes."""

PAUSE_S = 0.05
"""20,000 rows a second: about as fast as history grows at most."""


class Reclaimer:
    """One group's."""

    def __init__(self, group: Group, flusher: Flusher, runner: Runner, clock: Clock) -> None:
        self._group = group
        self._flusher = flusher
        self._runner = runner
        self._clock = clock
        self._done: tuple[Checkpoint, int] | None = None  # and through which revision
        self.bite_seconds = seconds()

    async def run(self) -> None:
        """Reclaim for ever: what was left at the start, and what each flush allows."""
        while True:
            while await self._bite():
                await self._clock.sleep(PAUSE_S)
            await self._flusher.flushed.wait()
            self._flusher.flushed.clear()

    async def _bite(self) -> bool:
        """Whether there is more to do."""
        async with self._flusher.busy:
            if self._group.lost:
                return False
            store, revision = self._flusher.store, self._group.machine.reclaimable_revision
            if revision == 0 or self._done == (store, revision):
                return False
            began = self._clock.now()
            try:
                more = await self._runner.run(lambda: store.reclaim(revision, BITE_ROWS))
            except DamagedStore as damage:
                self._group.damaged(damage)
                return False
            self.bite_seconds.observe(self._clock.now() - began)
            if not more:
                self._done = store, revision
            return more
