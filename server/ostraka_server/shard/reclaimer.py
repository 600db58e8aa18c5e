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

BITE_BLOCKS_MIN, BITE_BLOCKS_MAX = 1, 128
"""Bites begin small and grow while they are quick: a block holds 64 small rows, or one of 1 MiB."""

BITE_S = 0.02
"""A bite that takes longer is followed by one half as large."""

PAUSE_S = 0.05
"""Some 150,000 small rows a second: faster than history grows."""


class Reclaimer:
    """One group's."""

    def __init__(self, group: Group, flusher: Flusher, runner: Runner, clock: Clock) -> None:
        self._group = group
        self._flusher = flusher
        self._runner = runner
        self._clock = clock
        self._done: tuple[Checkpoint, int] | None = None  # and through which revision
        self._blocks = BITE_BLOCKS_MIN
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
                more = await self._runner.run(lambda: store.reclaim(revision, self._blocks))
            except DamagedStore as damage:
                self._group.damaged(damage)
                return False
            took = self._clock.now() - began
            self.bite_seconds.observe(took)
            self._blocks = (
                min(2 * self._blocks, BITE_BLOCKS_MAX) if took < BITE_S else max(self._blocks // 2, BITE_BLOCKS_MIN)
            )
            if not more:
                self._done = store, revision
            return more
