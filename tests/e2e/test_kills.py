from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.kills import Victims, kill_rounds


@pytest.mark.e2e
@pytest.mark.parametrize("victims", Victims, ids=lambda victims: victims.value)
def test_nothing_acknowledged_is_lost_by_kill_9(victims: Victims, tmp_path: Path) -> None:
    figures = asyncio.run(kill_rounds(tmp_path / "cluster", victims, rounds=1))
    assert figures["acknowledged writes"]
