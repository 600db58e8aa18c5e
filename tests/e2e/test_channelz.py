"""channelz of a node that was asked for it, looked at with grpcurl as one does when something is wrong."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.e2e.commands import output
from tests.e2e.harness import Cluster, configured, tool

pytestmark = pytest.mark.e2e


async def use(cluster: Cluster) -> None:
    """One call at least, once it is ready."""
    async with cluster.client() as client:
        await cluster.until_ready(client)
        await client.put("key", "value")


def test_a_node_shows_its_servers_and_their_calls(tmp_path: Path) -> None:
    with configured(tmp_path / "cluster", size=1) as cluster:
        member = cluster["n1"]
        others = member.node.config_file.read_text()
        member.node.config_file.write_text(f'listen_channelz = "127.0.0.1:0"\n{others}')
        cluster.start()
        asyncio.run(use(cluster))
        address = re.search(r" channelz=(\S+)", member.log_text())
        assert address
        shown = output(tool("grpcurl"), "-plaintext", address[1], "grpc.channelz.v1.Channelz/GetServers")
        servers = {server["listen_socket"][0]["name"]: server["data"] for server in json.loads(shown)["server"]}
        assert int(servers[f"chttp2 listener ipv4:{member.endpoint}"]["calls_started"]) > 0
