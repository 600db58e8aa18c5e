"""When calls are due: decided in advance in an open loop, by the answers in a closed one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostraka.clock import Clock


def back_to_back(clock: Clock) -> Iterator[float]:
    """Closed loop: whoever asks is due at once."""
    while True:
        yield clock.now()


def fixed(rate_per_s: float, begin: float, random: Random) -> Iterator[float]:
    """Evenly spaced from `begin` on. The first is drawn within the first gap, so that processes interleave."""
    gap = 1 / rate_per_s
    due = begin + random.random() * gap
    while True:
        yield due
        due += gap


def poisson(rate_per_s: float, begin: float, random: Random) -> Iterator[float]:
    """As of many independent callers: the gaps are exponential, so that arrivals also come in bursts."""
    due = begin
    while True:
        due += random.expovariate(rate_per_s)
        yield due
