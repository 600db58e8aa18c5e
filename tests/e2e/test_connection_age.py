"""Connections that are made anew several times a second, under load."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ostraka.checking import Outcome
from tests.e2e.harness import configured
from tests.e2e.load import Load
from tests.e2e.proof import prove

pytestmark = pytest.mark.e2e

AGE_MS = 200
SECONDS = 3.0
STREAMS_MIN = 5
"""What a client of one stream has made by then, on a slow machine."""


def test_a_connection_ends_for_its_age_and_no_call_for_it(tmp_path: Path) -> None:
    async def load_through_short_connections() -> None:
        async with cluster.client() as client:
            await cluster.until_ready(client)
            load = Load(client, "aging/", callers=50)
            async with load:
                await load.run(SECONDS)
            failed = [each for each in load.history.operations() if each.outcome is not Outcome.OK]
            assert not failed, f"{len(failed)} calls did not succeed, such as {failed[:3]}"
            begun = [member.metric("grpc_server_started_total", 'grpc_method="Exchange"') for member in cluster]
            assert max(begun) >= STREAMS_MIN, "the streams did not retire"
            await prove(load, tmp_path / "history.jsonl")

    with configured(tmp_path / "cluster") as cluster:
        for member in cluster:
            with member.node.config_file.open("a") as file:
                file.write(f"[limits]\nconnection_age_ms = {AGE_MS}\n")
        cluster.start()
        asyncio.run(load_through_short_connections())
