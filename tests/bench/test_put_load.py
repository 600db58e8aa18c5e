"""The load process with a clock that ticks a millisecond at every look and a client that answers at once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Self

import pytest

from bench import put_load
from bench.workload import Figures, Workload
from ostraka.errors import NoLeader


class AnsweringClient:
    """Every `fails_each`-th put fails."""

    fails_each = 1_000_000

    def __init__(self, endpoints: list[str]) -> None:
        assert endpoints == ["127.0.0.1:7401"]
        self.puts: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def put(self, key: str, value: bytes) -> None:
        self.puts.append((key, value))
        assert len(value) == 5
        assert key in {"key00000000", "key00000001"}
        if len(self.puts) % self.fails_each == 0:
            raise NoLeader("nobody leads")


def _measured(monkeypatch: pytest.MonkeyPatch, client: type[AnsweringClient]) -> Figures:
    milliseconds = itertools.count()
    monkeypatch.setattr(put_load, "perf_counter", lambda: next(milliseconds) / 1000)
    monkeypatch.setattr(put_load, "Client", client)
    workload = Workload(callers=1, seconds=0.08, warm_up_seconds=0.02, value_bytes=5, keys=2)
    return asyncio.run(put_load.measure(["127.0.0.1:7401"], workload))


def test_only_answers_within_the_measured_time_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A put begins at every odd millisecond and is answered at the next: 40 of them from 20 ms to before 100 ms."""
    figures = _measured(monkeypatch, AnsweringClient)
    assert figures.operations_per_s == pytest.approx(40 / 0.08)
    assert figures.errors == 0
    assert figures.p50_ms == pytest.approx(1)
    assert figures.max_ms == pytest.approx(1)


def test_failed_puts_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsteady(AnsweringClient):
        fails_each = 2

    figures = _measured(monkeypatch, Unsteady)
    assert figures.errors == 20
    assert figures.operations_per_s == pytest.approx(20 / 0.08)


def test_a_load_that_never_succeeds_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(AnsweringClient):
        fails_each = 1

    with pytest.raises(ValueError, match="no operation succeeded, 40 failed"):
        _measured(monkeypatch, Failing)
