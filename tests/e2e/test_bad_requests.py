"""Requests that make no sense: refused by name, with a remedy, and nobody else notices."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import grpc
import pytest

from ostraka.cli.exits import Exit
from tests.e2e.commands import OSTRAKA, run
from tests.e2e.harness import Cluster
from tests.e2e.undisturbed import undisturbed

pytestmark = pytest.mark.e2e

GARBAGE = b"\xff" * 100
TOO_LARGE = bytes(5 << 20)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["put", "", "value"], Exit.REFUSED, r"key is empty.*Correct the request"),
        (["get", ""], Exit.REFUSED, r"key is empty.*Correct the request"),
        (["del", ""], Exit.USAGE, r"KEY, END and the prefix must not be empty"),
        (["range", "b", "a"], Exit.REFUSED, r"range_end lies before key.*Correct the request"),
        (["del", "b", "--range-end", "a"], Exit.REFUSED, r"range_end lies before key.*Correct the request"),
        (["range", "--limit", "-1"], Exit.USAGE, r"--limit.*-1 is not in the range"),
        (["put", "k" * 5000, "value"], Exit.REFUSED, r"a key of 5000 bytes is over key_bytes_max, 4096"),
        (["transfer-leader", "1", "n9"], Exit.REFUSED, r"no replica of the shard is on a node 'n9'.*ostraka members"),
        (["transfer-leader", "9", "n1"], Exit.REFUSED, r"there is no shard 9.*ostraka shards"),
        (["get", "k", "--endpoints", "nowhere"], Exit.USAGE, r"'nowhere' is not of the form host:port"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else None,
)
def test_a_command_says_what_is_wrong_with_it(cluster: Cluster, arguments: list[str], code: Exit, message: str) -> None:
    answer = run(OSTRAKA, f"--endpoints={cluster.endpoints[0]}", *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert re.search(message, answer.stderr)


def test_bytes_that_are_no_request_are_refused_with_its_name(cluster: Cluster, tmp_path: Path) -> None:
    async def bad_calls() -> None:
        async with undisturbed(cluster, tmp_path), grpc.aio.insecure_channel(cluster.endpoints[0]) as channel:
            assert "ostraka.v1.PutRequest" in await _unary(channel, "/ostraka.v1.KV/Put", GARBAGE)
            assert "larger than max" in await _unary(channel, "/ostraka.v1.KV/Put", TOO_LARGE)
            assert "ExchangeRequest" in await _exchange(channel, GARBAGE)
            assert "larger than max" in await _exchange(channel, TOO_LARGE)
            assert "not found" in await _unary(channel, "/ostraka.v1.KV/Nothing", b"")

    asyncio.run(bad_calls())


async def _unary(channel: grpc.aio.Channel, method: str, body: bytes) -> str:
    caller: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return await _refusal(caller(body, timeout=10))


async def _exchange(channel: grpc.aio.Channel, body: bytes) -> str:
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream("/ostraka.v1.Exchange/Exchange")(timeout=10)
    await call.write(body)
    return await _refusal(call)


async def _refusal(call: grpc.aio.Call) -> str:
    assert await call.code() not in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED)
    return await call.details()
