"""`ostraka dev` with real nodes; what it decides is tested in tests/cli."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from ostraka.aio import Client
from ostraka.errors import OstrakaError
from tests.e2e.commands import OSTRAKA
from tests.e2e.harness import until
from tests.e2e.member import DIES_WITH_US, STOP_SECONDS_MAX, environment

RESTART_SECONDS_MAX = 1.0


@asynccontextmanager
async def _dev(directory: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`ostraka dev`, ready; killed at the end where it still runs."""
    command = [*DIES_WITH_US, OSTRAKA, "dev", "--nodes=3", f"--data-dir={directory}", "--base-port=0"]
    printed = directory.with_suffix(".log")
    with printed.open("wb") as log:
        process = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    async def ready() -> bool:
        assert process.poll() is None, printed.read_text()
        return "ready:" in printed.read_text()

    try:
        await until(ready, "`ostraka dev` ready")
        yield process
    finally:
        process.kill()
        process.wait()


def _nodes(directory: Path) -> list[dict[str, Any]]:
    document = json.loads((directory / "cluster.json").read_text())
    nodes = document["nodes"]
    assert isinstance(nodes, list)
    return nodes


@pytest.mark.e2e
def test_a_dead_node_is_back_within_a_second_and_all_end_with_the_command(tmp_path: Path) -> None:
    directory = tmp_path / "data"

    async def run() -> None:
        async with _dev(directory) as process:
            first = _nodes(directory)[0]
            os.kill(first["pid"], signal.SIGKILL)
            killed_at = perf_counter()

            async def started() -> bool:
                return _nodes(directory)[0]["pid"] not in (None, first["pid"])

            async def ready() -> bool:
                try:
                    return (await client.status(first["client_address"])).ready
                except OstrakaError:
                    return False

            await until(started, "the node was started again")
            assert perf_counter() - killed_at < RESTART_SECONDS_MAX
            async with Client(first["client_address"]) as client:
                await until(ready, "the node that was started again is ready")
            pids = [node["pid"] for node in _nodes(directory)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS_MAX) == 0
            assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    asyncio.run(run())
