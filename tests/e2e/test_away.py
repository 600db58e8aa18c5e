"""A replica that was away too long for the log comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.away import comes_back


@pytest.mark.e2e
def test_a_replica_that_was_away_comes_back_by_snapshot_under_load(tmp_path: Path) -> None:
    figures = asyncio.run(comes_back(tmp_path / "cluster", writes=20_000))
    assert figures["writes missed"] == 20_000
