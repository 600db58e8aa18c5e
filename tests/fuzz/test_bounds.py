"""A case that hangs or takes too much memory fails, and the process goes on as it was."""

from __future__ import annotations

import resource
import signal
from unittest.mock import patch

import pytest

from tests.fuzz import bounds
from tests.fuzz.bounds import MEMORY_BYTES_MAX, Hang, bounded_memory, bounded_time


def _spin() -> None:
    while True:
        pass


def test_what_hangs_is_interrupted() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with patch.object(bounds, "CPU_SECONDS_MAX", 0.01), pytest.raises(Hang), bounded_time():
        _spin()
    assert signal.getsignal(signal.SIGVTALRM) is before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_what_takes_too_much_memory_is_refused_it() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with bounded_memory(), pytest.raises(MemoryError):
        bytearray(2 * MEMORY_BYTES_MAX)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
