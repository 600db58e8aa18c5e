"""Which calls are taken: so many, of so many bytes, and none that would wait too long for long."""

from __future__ import annotations

from collections import Counter, deque

import pytest

from ostraka_server.config import Limits
from ostraka_server.shard.admission import (
    ALWAYS_TAKEN,
    ALWAYS_TAKEN_BYTES,
    ALWAYS_TAKEN_OF_ANY_SIZE,
    BURST,
    WINDOW_S,
    Admission,
)

LIMITS = Limits(wait_ms_max=200)
STEP_S = 0.01


class Node:
    """Answers so many calls a second, in order, as long as there are any; takes what its admission takes."""

    def __init__(self, rate: int, size: int = 100) -> None:
        self.now = 100.0
        self.rate = rate
        self.size = size
        self.admission = Admission(LIMITS, self.now)
        self.refusals: Counter[str] = Counter()
        self.waited: list[float] = []
        """Seconds that each answered call took."""
        self._began: deque[float] = deque()
        self._credit = 0.0

    def offer(self, rate: float, seconds: float) -> None:
        """So many calls a second for so long."""
        calls = 0.0
        for _ in range(round(seconds / STEP_S)):
            calls += rate * STEP_S
            while calls >= 1:
                calls -= 1
                self._arrive()
            self._work()

    @property
    def refused(self) -> int:
        """Calls, so far."""
        return self.refusals.total()

    def _arrive(self) -> None:
        full = self.admission.full(self.size, self.now)
        if full is None:
            self.admission.take(self.size)
            self._began.append(self.now)
        else:
            self.refusals[full] += 1

    def _work(self) -> None:
        self.now += STEP_S
        self._credit = min(self._credit + self.rate * STEP_S, len(self._began))
        while self._credit >= 1:
            self._credit -= 1
            self.admission.end(self.size)
            self.waited.append(self.now - self._began.popleft())


def test_calls_are_bounded_in_number() -> None:
    admission = Admission(Limits(calls_in_flight_max=10), 0.0)
    for _ in range(10):
        assert admission.full(1, 0.0) is None
        admission.take(1)
    assert admission.full(1, 0.0) == "calls_in_flight_max (10)"
    admission.end(1)
    assert admission.full(1, 0.0) is None


def test_calls_are_bounded_in_bytes() -> None:
    admission = Admission(Limits(calls_in_flight_bytes_max=8 << 20), 0.0)
    admission.take(7 << 20)
    assert admission.full(1 << 20, 0.0) is None
    assert admission.full((1 << 20) + 1, 0.0) == f"calls_in_flight_bytes_max ({8 << 20})"
    admission.end(7 << 20)
    assert admission.full((1 << 20) + 1, 0.0) is None


def test_a_burst_is_bounded_in_number_and_bytes() -> None:
    admission = Admission(LIMITS, 0.0)
    for _ in range(BURST * ALWAYS_TAKEN):
        assert admission.full(1, 0.0) is None
        admission.take(1)
    assert admission.full(1, 0.0) == "wait_ms_max (200)"
    admission = Admission(LIMITS, 0.0)
    admission.take(BURST * ALWAYS_TAKEN_BYTES - 1)
    assert admission.full(1, 0.0) is None
    admission.take(1)
    assert admission.full(1, 0.0) == "wait_ms_max (200)"


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_the_node_can_do_is_taken(share: float) -> None:
    node = Node(1000)
    node.offer(share * node.rate, 10)
    assert node.refused == 0


def test_a_burst_is_taken_as_long_as_it_is_short() -> None:
    node = Node(1000)
    node.offer(100, 1)
    node.offer(4000, 0.1)
    node.offer(100, 2)
    assert node.refused == 0


@pytest.mark.parametrize("times", [2, 20])
def test_under_overload_calls_that_are_taken_wait_briefly(times: float) -> None:
    node = Node(4000)
    node.offer(0.9 * node.rate, 2)
    node.offer(times * node.rate, 5)
    settled = node.waited[-node.rate * 3 :]
    assert max(settled) <= 1.5 * LIMITS.wait_ms_max / 1000
    assert len(node.waited) > 0.99 * node.rate * 6.5, "and the node is never idle"
    assert node.refusals["wait_ms_max (200)"] > 0.9 * (times - 1) * node.rate * 4


def test_large_calls_wait_briefly_too() -> None:
    node = Node(20, size=1 << 20)
    node.offer(400, 10)
    assert max(node.waited[-100:]) <= 1.5 * LIMITS.wait_ms_max / 1000
    assert len(node.waited) > 0.95 * node.rate * 10


def test_a_slow_node_takes_enough_to_fill_its_turns() -> None:
    node = Node(100)
    node.offer(2000, 10)
    assert ALWAYS_TAKEN <= node.admission.in_flight + 1 <= 2 * ALWAYS_TAKEN


def test_after_an_overload_the_next_calls_are_taken() -> None:
    node = Node(1000)
    node.offer(20 * node.rate, 5)
    node.offer(0, 0.1)
    refused = node.refused
    node.offer(0.8 * node.rate, 5)
    assert node.refused == refused


def test_a_node_that_answers_nothing_takes_some_and_recovers() -> None:
    node = Node(0)
    node.offer(1000, 2)
    assert ALWAYS_TAKEN <= node.admission.in_flight <= 1000 * (WINDOW_S + 0.02) + ALWAYS_TAKEN
    node.rate = 1000
    node.offer(500, 2)
    refused = node.refused
    node.offer(500, 5)
    assert node.refused == refused


def test_under_overload_two_calls_of_any_size_are_taken() -> None:
    node = Node(rate=2, size=2 * ALWAYS_TAKEN_BYTES)
    node.offer(20, 10.0)
    assert node.refused
    assert node.admission.in_flight == ALWAYS_TAKEN_OF_ANY_SIZE, "one is received while the other is synced"
