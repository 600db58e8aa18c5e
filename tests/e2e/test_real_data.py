from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.real_data import RECORDS_MIN, load_kill_dump


@pytest.mark.e2e
def test_real_data_comes_back_bit_for_bit_after_kill_9_of_all(tmp_path: Path) -> None:
    figures = asyncio.run(load_kill_dump(tmp_path / "cities"))
    assert isinstance(figures["records"], int)
    assert figures["records"] >= RECORDS_MIN
