"""Nodes under strace while writes are acknowledged: `kill -9` alone would not tell a synced write from a cached one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ostraka.aio import Client
from tests.e2e import strace
from tests.e2e.durability import NodeTrace, too_early_accepts, too_early_replies
from tests.e2e.harness import Cluster, running, tool

CALLERS = 10


async def traced_writes(directory: Path, writes: int) -> dict[str, object]:
    """Figures of so many acknowledged writes. AssertionError for each that was acknowledged before it was durable."""
    tool("strace")
    async with running(directory, wrapper=lambda node: strace.command(_output(node.directory))) as cluster:
        async with cluster.client() as client:
            leader = await cluster.leader(client)
            markers = await _write(client, writes)
        assert set(cluster.terminate().values()) == {0}
        traces = {member.name: _trace(cluster, member.name) for member in cluster}
    told = 0
    early = too_early_replies(traces, leader.name, markers)
    for trace in traces.values():
        count, too_early = too_early_accepts(trace)
        told += count
        early += too_early
    assert not early, "\n".join([f"{len(early)} too early", *early[:10]])
    assert told, "no accepted message in any trace"
    return {"acknowledged writes": len(markers), "accepted messages": told}


async def _write(client: Client, writes: int) -> dict[bytes, bytes]:
    """Put every key twice. The second answer holds the value before, and so tells which write it acknowledges."""
    markers = {f"<new {number}>".encode(): f"<old {number}>".encode() for number in range(writes)}

    async def call(values: Sequence[bytes], first: int) -> None:
        for number in range(first, writes, CALLERS):
            await client.put(f"key {number}", values[number], prev=True)

    for values in (list(markers.values()), list(markers)):
        await asyncio.gather(*(call(values, first) for first in range(CALLERS)))
    return markers


def _trace(cluster: Cluster, name: str) -> NodeTrace:
    node = cluster[name].node
    with _output(node.directory).open() as file:
        syscalls = strace.parse(file)
    others = frozenset(member.node.replica_port for member in cluster if member.name != name)
    return NodeTrace(name, syscalls, others, node.client_port)


def _output(directory: Path) -> Path:
    return directory / "trace"
