from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.traced import traced_writes


@pytest.mark.e2e
def test_what_is_said_to_be_accepted_was_synced_before(tmp_path: Path) -> None:
    figures = asyncio.run(traced_writes(tmp_path / "cluster", writes=1000))
    assert figures["acknowledged writes"] == 1000
