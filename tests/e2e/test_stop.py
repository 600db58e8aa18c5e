from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.stop import stops_and_transfers


@pytest.mark.e2e
def test_a_leader_that_is_stopped_or_replaced_hands_over(tmp_path: Path) -> None:
    figures = asyncio.run(stops_and_transfers(tmp_path / "cluster", rounds=1))
    assert figures["rounds"] == 1
