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

BITE_ROWS_MIN, BITE_ROWS_MAX = 16, 1000
"""Bites begin small and grow while they are quick: 1,000 rows of 200 bytes take 3 to 4 ms, of 1 MiB 9 s."""

BITE_S = 0.02
"""A bite that takes longer is followed by one half as large."""

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
        self._rows = BITE_ROWS_MIN
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
                more = await self._runner.run(lambda: store.reclaim(revision, self._rows))
            except DamagedStore as damage:
                self._group.damaged(damage)
                return False
            took = self._clock.now() - began
            self.bite_seconds.observe(took)
            self._rows = min(2 * self._rows, BITE_ROWS_MAX) if took < BITE_S else max(self._rows // 2, BITE_ROWS_MIN)
            if not more:
                self._done = store, revision
            return more
