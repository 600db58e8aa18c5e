from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.idle import idle


@pytest.mark.e2e
def test_an_idle_cluster_takes_little(tmp_path: Path) -> None:
    # Settled: the store has been flushed, 10 s after what filled it (`store.flush_interval_ms`).
    figures = asyncio.run(idle(tmp_path / "cluster", settle_seconds=13, window_seconds=10))
    assert figures["share of a core"]
