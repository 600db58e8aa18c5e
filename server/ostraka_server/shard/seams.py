"""What the driver needs from outside: threads for blocking work, and a way to other nodes. Twins in the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Runner(Protocol):
    """Runs blocking work off the loop, one piece after the other."""

    async def run(self, work: Callable[[], T]) -> T:
        """Returns what `work` returns, raises what it raises."""

    def close(self) -> None:
        """Let go of the thread once its last piece of work is done."""


class ThreadRunner:
    """One thread of its own."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        self._executor.shutdown()


class Transport(Protocol):
    """Carries replica messages between nodes. May lose, delay, repeat and reorder them; never invents any."""

    def send(self, node: str, messages: Sequence[bytes]) -> None:
        """Send to a node. Never blocks: what does not fit its bounded queue, or has no connection, is dropped."""
