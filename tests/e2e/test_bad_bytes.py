"""Whatever comes in on a port, the node goes on, and says what it refused."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ostraka.cli.dev_plan import HOST
from ostraka_server.rpc.frames import FRAME_BYTES_MAX, encode, header, seal
from ostraka_server.wire.replica_pb2 import Frame, GroupReplica, Hello, Identity
from tests.e2e.harness import CLUSTER, Cluster
from tests.e2e.undisturbed import undisturbed

pytestmark = pytest.mark.e2e

ANSWER_SECONDS_MAX = 10.0
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TLS_CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(189)


def _noise(count: int) -> Iterator[bytes]:
    """Of all lengths up to 64 KiB, short ones as often as long ones; the same each time."""
    chance = random.Random(7)
    for _ in range(count):
        yield chance.randbytes(2 ** chance.randrange(17))


def _hello(**fields: object) -> bytes:
    identity = Identity(node="n9", replicas=[GroupReplica(group=group, replica=9) for group in (0, 1)])
    hello = Hello(format=1, cluster_name=CLUSTER, self=identity, client_address="x:1", replica_address="x:2")
    hello.MergeFrom(Hello(**fields))  # type: ignore[arg-type]
    return encode(Frame(hello=hello))


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


REPLICA_BYTES = {
    "a wrong checksum": (_flipped(_hello()), "checksum does not match"),
    "a huge length": (header(FRAME_BYTES_MAX + 1, 0), "claims 67108865 bytes"),
    "a damaged length": (b"\0\4" + _hello()[2:], "header's checksum does not match"),
    "no frame within": (seal(b"\xff" * 40), "not a wire.Frame"),
    "no hello first": (encode(Frame(messages=[b"\xff" * 40])), "messages before a hello"),
    "a stranger": (_hello(), "not among the other members"),
    "the node's own name": (_hello(self=Identity(node="n1")), "not among the other members"),
    "another directory of a member": (_hello(self=Identity(node="n2")), "not the recorded member's"),
    "another cluster": (_hello(cluster_name="other"), "belongs to cluster 'other'"),
    "another version": (_hello(format=2), "wire format 2"),
    "an unknown stage": (_hello(stage=99), "a stage of formation (99)"),
}


async def _send(port: int, data: bytes, *, then_end: bool = False) -> bytes:
    """What the node answers until it closes the connection. TimeoutError where it does not close."""
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = b""
    try:
        with suppress(OSError):  # the node may have closed it already
            writer.write(data)
            if then_end:
                writer.write_eof()
            await writer.drain()
        with suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), ANSWER_SECONDS_MAX)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return answer


@pytest.mark.parametrize("name", REPLICA_BYTES)
def test_a_replica_connection_that_makes_no_sense_is_refused(cluster: Cluster, tmp_path: Path, name: str) -> None:
    data, why = REPLICA_BYTES[name]
    victim = cluster["n1"]

    async def refused() -> None:
        async with undisturbed(cluster, tmp_path):
            before = victim.metric("ostraka_replica_connections_refused_total")
            assert await _send(victim.node.replica_port, data) == b""
            assert victim.metric("ostraka_replica_connections_refused_total") == before + 1

    asyncio.run(refused())
    assert re.search(rf"replica connection refused.*{re.escape(why)}", victim.log_text())


def test_noise_on_every_port_disturbs_nobody(cluster: Cluster, tmp_path: Path) -> None:
    async def noise() -> None:
        async with undisturbed(cluster, tmp_path):
            for data in _noise(40):
                for member in cluster:
                    node = member.node
                    for port in (node.client_port, node.replica_port, node.http_port):
                        await _send(port, data, then_end=True)

    asyncio.run(noise())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="HTTP/1.1"),
        pytest.param(TLS_CLIENT_HELLO, id="TLS"),
        pytest.param(HTTP2_PREFACE + b"\xff" * 1000, id="HTTP/2 and nonsense"),
    ],
)
def test_another_protocol_on_the_client_port_is_refused(cluster: Cluster, tmp_path: Path, data: bytes) -> None:
    async def refused() -> None:
        async with undisturbed(cluster, tmp_path):
            await _send(cluster["n1"].node.client_port, data)

    asyncio.run(refused())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"\xff\xff\r\n\r\n", b"400 Bad Request"),
        (b"GET /" + b"x" * 100_000, b"431 Request Header Fields Too Large"),
    ],
    ids=lambda value: value[:12].decode("latin-1"),
)
def test_an_http_request_that_makes_no_sense_is_refused(cluster: Cluster, data: bytes, status: bytes) -> None:
    answer = asyncio.run(_send(cluster["n1"].node.http_port, data))
    assert answer.startswith(b"HTTP/1.1 " + status)
