"""A reserve of free disk space: below it writes are refused, before a failed write would end the node.

The reserve is there for what goes on without new writes: those under way, elections, the log's next segment, the
checkpoint, and what other leaders have this node accept. DESIGN.md argues who refuses, and who does not.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from ostraka.clock import Clock
from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.logs import fields
from ostraka_server.shard import failures
from ostraka_server.shard.seams import Runner

CHECK_INTERVAL_S = 0.5
"""Free space is looked at this often: the reserve has to outlast so much writing."""

log = logging.getLogger("ostraka.disk")


def free_bytes(directory: Path) -> int:
    """What an ordinary user may still write to the directory's file system. Blocks."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class DiskReserve:
    """One node's. `refusal` is for the gateway; `run` keeps it up to date."""

    def __init__(
        self, directory: Path, needed_bytes: int, runner: Runner, clock: Clock, free: Callable[[], int]
    ) -> None:
        """Writes are refused while the file system of `directory` has less than `needed_bytes` free. `free` tells how
        much it has, in `runner`, which is let go of with the reserve."""
        self._directory = directory
        self.needed_bytes = needed_bytes
        self._runner = runner
        self._clock = clock
        self._free = free
        self.refusal: Reply | None = None
        """The answer to writes; None while there is space."""
        self.free_bytes = 0
        """When it was last looked at."""

    def has_room(self, size: int) -> bool:
        """Whether so many bytes can be written without living off the reserve, when it was last looked at."""
        return self.free_bytes - size >= self.needed_bytes

    async def run(self) -> None:
        """Look at the disk for ever."""
        while True:
            await self._clock.sleep(CHECK_INTERVAL_S)
            await self.check()

    def close(self) -> None:
        """Let go of the runner, once `run` has ended."""
        self._runner.close()

    async def check(self) -> None:
        """Look at the disk now. Where it cannot be asked, what was last known counts."""
        try:
            self.free_bytes = await self._runner.run(self._free)
        except OSError as error:
            log.warning("disk not asked", extra=fields(directory=str(self._directory), why=str(error)))
            return
        was_low, is_low = self.refusal is not None, self.free_bytes < self.needed_bytes
        self.refusal = None
        if is_low:
            self.refusal = failures.disk_low(str(self._directory), self.free_bytes, self.needed_bytes)
        if is_low != was_low:
            told = fields(directory=str(self._directory), free=self.free_bytes, needed=self.needed_bytes)
            log.log(logging.ERROR if is_low else logging.INFO, "disk low" if is_low else "disk recovered", extra=told)
