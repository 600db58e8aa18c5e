"""A real cluster, for a test to be hard on.

Rule 1: nothing here waits blindly. What is awaited is a condition, with a deadline and a message that says what lacked.
Rule 2: no process outlives its test: the kernel kills the nodes with the process that started them.
Rule 3: whatever fails while a cluster runs carries the last lines of every node's log as a note.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter

import pytest

from ostraka.aio import Client
from ostraka.cli.dev_plan import HOST, HTTP_PORTS, REPLICA_PORTS, node_toml, plan
from ostraka.errors import OstrakaError
from ostraka.v1.cluster_pb2 import ReplicaStatus, StatusResponse
from tests.e2e.member import Member, Wrapper

CLUSTER = "e2e"
GROUP = SHARD = 1
"""The data group and its shard."""
READY_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05


def tool(name: str) -> str:
    """The path of a program that a test needs. Without it the test is left out, which fails in CI (conftest.py)."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: `make tools`")
    return found


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = READY_SECONDS_MAX) -> None:
    """Return once `holds()`. AssertionError that names `what` where it does not in time."""
    deadline = perf_counter() + seconds
    while not await holds():
        assert perf_counter() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(POLL_SECONDS)


class Cluster:
    """Nodes that know each other. Made by `running`, or by `configured` where a test starts them itself."""

    def __init__(self, directory: Path, size: int, wrapper: Wrapper) -> None:
        nodes = plan(size, directory, _free_base_port(size))
        for node in nodes:
            node.directory.mkdir(parents=True)
            node.config_file.write_text(node_toml(node, nodes, CLUSTER))
        self.directory = directory
        self.members = {node.name: Member(node, wrapper) for node in nodes}
        self.endpoints = [node.endpoint for node in nodes]

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members.values())

    def start(self) -> None:
        """Start every node."""
        for member in self:
            member.start()

    def kill(self) -> None:
        """kill -9 to all at once: no node sees another one die first."""
        for member in self:
            member.signal(signal.SIGKILL)
        for member in self:
            member.wait()

    def terminate(self) -> dict[str, int]:
        """SIGTERM to all; their exit codes."""
        for member in self:
            member.signal(signal.SIGTERM)
        return {member.name: member.wait() for member in self}

    def client(self, *, timeout: float = 5.0) -> Client:
        """An SDK client that knows all nodes."""
        return Client(self.endpoints, timeout=timeout)

    async def until_ready(self, client: Client) -> None:
        """Return once every node is ready and all have the same leader. AssertionError where one ends or time is up."""

        async def agreed() -> bool:
            for member in self:
                assert not member.ended, f"{member.name} ended with exit code {member.wait()}"
            leaders = {await self._leader_by(member, client) for member in self}
            return len(leaders) == 1 and None not in leaders

        await until(agreed, "all nodes ready, with one leader")

    async def leader(self, client: Client) -> Member:
        """Who leads the data group, by its own word. AssertionError where nobody does in time."""
        leading: list[Member] = []

        async def found() -> bool:
            leading[:] = [member for member in self if await self._leader_by(member, client) == member.name]
            return len(leading) == 1

        await until(found, "one leader")
        return leading[0]

    async def _leader_by(self, member: Member, client: Client) -> str | None:
        """Whom a node takes for the leader; None where it is not ready or cannot be reached."""
        try:
            status = await client.status(member.endpoint, timeout=1.0)
        except OstrakaError:
            return None
        return data_replica(status).leader_node or None if status.ready else None


def data_replica(status: StatusResponse) -> ReplicaStatus:
    """The replica of the data group, of a node that is ready."""
    return next(replica for replica in status.replicas if replica.group == GROUP)


@contextmanager
def configured(directory: Path, *, size: int = 3, wrapper: Wrapper = lambda node: ()) -> Iterator[Cluster]:
    """A cluster of which nothing runs yet, in an empty directory. What runs at the end is killed."""
    cluster = Cluster(directory, size, wrapper)
    try:
        yield cluster
    except BaseException as error:
        for member in cluster:
            error.add_note(member.log_tail())
        raise
    finally:
        for member in cluster:
            member.kill()


@asynccontextmanager
async def running(directory: Path, *, size: int = 3, wrapper: Wrapper = lambda node: ()) -> AsyncIterator[Cluster]:
    """A cluster that is ready, in an empty directory. What runs at the end is killed."""
    with configured(directory, size=size, wrapper=wrapper) as cluster:
        cluster.start()
        async with cluster.client() as client:
            await cluster.until_ready(client)
        yield cluster


def _free_base_port(size: int) -> int:
    """Below the ports that the kernel gives to outgoing connections: one of those could take a killed node's place."""
    ephemeral, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    offsets = [kind + node for kind in (0, REPLICA_PORTS, HTTP_PORTS) for node in range(1, size + 1)]
    for _ in range(1000):
        base = random.randrange(10_000, ephemeral - max(offsets))
        if all(_is_free(base + offset) for offset in offsets):
            return base
    raise AssertionError("no free ports for a cluster")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
