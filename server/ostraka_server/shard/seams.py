"""What the driver needs from outside: the log, threads for blocking work, and a way to other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class LoggedEntry(Protocol):
    """A record read back."""

    @property
    def slot(self) -> int: ...
    @property
    def ballot(self) -> tuple[int, int, int]: ...
    @property
    def payload(self) -> bytes: ...


class Log(Protocol):
    """The acceptor log, as the driver uses it: one call at a time."""

    def promise(self, group: int, ballot: tuple[int, int, int]) -> None: ...
    def accept(self, group: int, slot: int, ballot: tuple[int, int, int], payload: bytes) -> None: ...
    def decided(self, group: int, through: int) -> None: ...
    def flush(self) -> None: ...
    def read(self, group: int, first: int, through: int, max_bytes: int) -> Sequence[LoggedEntry]: ...
    def truncate(self, group: int, base: int) -> None: ...


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
