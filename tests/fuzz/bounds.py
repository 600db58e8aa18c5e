"""What one case may cost: a decoder that hangs or takes memory out of all proportion is as bad as one that crashes."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

CPU_SECONDS_MAX = 2.0
"""Of this process, for a case. The processor's time, not the wall's: a busy machine fails nothing."""

MEMORY_BYTES_MAX = 256 << 20
"""On top of what the process had; a case is at most 64 KiB."""


class Hang(Exception):
    """A case took longer than CPU_SECONDS_MAX."""


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Beyond MEMORY_BYTES_MAX more than now, there is MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES_MAX, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def bounded_time() -> Iterator[None]:
    """Raises Hang in what takes too long. In the main thread only."""
    before = signal.signal(signal.SIGVTALRM, _hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang(f"over {CPU_SECONDS_MAX} s of processor time")
