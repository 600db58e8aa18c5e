"""The client against a cluster in memory: what callers see."""

from __future__ import annotations

import asyncio
import random

import pytest

from ostraka import errors
from ostraka._scan import PAGE_KEYS
from ostraka.aio import Client
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Reply
from ostraka.v1.kv_pb2 import RangeResponse
from ostraka.values import DeleteResult, KeyValue, PutResult
from tests.client.fake_cluster import FakeCluster
from tests.client.virtual_time import VirtualClock, turns, virtual_time


def client_of(cluster: FakeCluster, clock: VirtualClock, *endpoints: str) -> Client:
    return Client(endpoints or "a1:1", _transport=cluster, _clock=clock, _random=random.Random(1))


@virtual_time
async def test_put_get_delete(clock: VirtualClock) -> None:
    async with client_of(FakeCluster(), clock) as client:
        assert await client.get("k") is None
        assert await client.put("k", "ö") == PutResult(revision=2)
        assert await client.put(b"k", b"\xff", prev=True) == PutResult(3, KeyValue(b"k", "ö".encode(), 2, 2, 1))
        assert await client.get("k") == KeyValue(b"k", b"\xff", 2, 3, 2)
        assert await client.put("new", "", prev=True) == PutResult(4, None)
        assert await client.delete("k") == DeleteResult(revision=5, deleted=1)
        assert await client.delete("k", prev=True) == DeleteResult(5, 0)
        assert await client.delete("new", prev=True) == DeleteResult(6, 1, (KeyValue(b"new", b"", 4, 4, 1),))


@virtual_time
async def test_ranges_counts_and_range_deletes(clock: VirtualClock) -> None:
    async with client_of(FakeCluster(), clock) as client:
        for key in ("a", "b1", "b2", "b\xff", "c"):
            await client.put(key, f"value of {key}")

        async def keys(*args: str, prefix: str | None = None, limit: int | None = None) -> list[str]:
            return [kv.key.decode() async for kv in client.range(*args, prefix=prefix, limit=limit)]

        assert await keys() == ["a", "b1", "b2", "b\xff", "c"]
        assert await keys("b1") == ["b1", "b2", "b\xff", "c"]
        assert await keys("a", "b2") == ["a", "b1"]
        assert await keys(prefix="b") == ["b1", "b2", "b\xff"]
        assert await keys(prefix="b", limit=2) == ["b1", "b2"]
        assert await keys(limit=0) == []
        assert [kv.value async for kv in client.range("a", "b", keys_only=True)] == [b""]
        assert await client.count() == 5
        assert await client.count(prefix="b") == 3
        assert await client.count("b2", "c") == 2
        assert (await client.delete("b1", "b2")).deleted == 1
        assert (await client.delete(prefix="b")).deleted == 2
        assert (await client.delete("b", "zz")).deleted == 1
        assert await client.count("") == 1


@virtual_time
async def test_a_range_goes_on_where_a_page_was_cut(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        for i in range(100):
            await client.put(f"key{i:03}", "v" * 50)
        before = sum(len(node.calls) for node in cluster.nodes)
        found = [kv.key async for kv in client.range(prefix="key", limit=90)]
        assert found == [b"key%03d" % i for i in range(90)]
        assert sum(len(node.calls) for node in cluster.nodes) - before > 5  # the fake cuts pages at a few hundred bytes


@virtual_time
async def test_a_page_asks_for_no_more_than_is_wanted(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await client.put("a", "v")
        for limit in (None, 3, PAGE_KEYS + 1):
            _ = [kv async for kv in client.range(limit=limit)]
        assert [call.command.range.limit for call in cluster.nodes[0].calls[1:]] == [PAGE_KEYS, 3, PAGE_KEYS]


@virtual_time
async def test_a_page_that_promises_more_and_holds_nothing_is_a_fault(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.nodes[0].behaviour = lambda call: Reply(range=RangeResponse(more=True))
    async with client_of(cluster, clock) as client:
        with pytest.raises(errors.ServerFault, match="announces more"):
            _ = [kv async for kv in client.range()]


@virtual_time
async def test_serializable_reads_ask_any_node_and_say_so(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
        await turns()  # the look at the cluster
        cluster.leader = None
        for _ in range(3):
            assert await client.get("k", serializable=True) is not None
            assert await client.count(serializable=True) == 1
            assert [kv.key async for kv in client.range(serializable=True)] == [b"k"]
        local = [call.command for node in cluster.nodes for call in node.calls if not call.command.HasField("put")]
        assert all(pb.SERIALIZABLE in (command.get.strength, command.range.strength) for command in local)
        assert all(node.calls for node in cluster.nodes)


@virtual_time
async def test_the_cluster_calls(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        assert (await client.status("a2:1")).header.node == "n2"
        assert [member.node for member in (await client.members()).members] == ["n1", "n2", "n3"]
        assert (await client.shards()).shards[0].leader_node == "n1"
        await client.transfer_leader(1, "n3")
        assert (await client.shards()).shards[0].leader_node == "n3"
        cluster.named("n2").up = False
        with pytest.raises(errors.ConnectionLost, match=r"connection refused \(a2:1\)"):
            await client.status("a2:1")
        assert clock.now() == 0.0


@virtual_time
async def test_arguments_that_make_no_sense_are_refused_here(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        for timeout in (0, -1, float("inf"), float("nan")):
            with pytest.raises(ValueError, match="positive and finite"):
                await client.get("k", timeout=timeout)
        with pytest.raises(ValueError, match="or a prefix"):
            await client.delete()
        with pytest.raises(ValueError, match="end is empty"):
            await client.delete("k", "")
        with pytest.raises(ValueError, match="limit is -1"):
            client.range(limit=-1)
        with pytest.raises(TypeError, match="not int"):
            await client.put("k", 1)  # type: ignore[arg-type]
    assert not any(node.calls for node in cluster.nodes)


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        ("localhost", "'localhost' is not of the form host:port"),
        (["a:1", "b:x"], "'b:x' is not"),
        (":7401", "':7401' is not"),
        ("a:65536", "'a:65536' is not"),
        ("a:0", "'a:0' is not"),
        ("::1:7401", "'::1:7401' is not of the form host:port, an IPv6 address in brackets"),
        ("[a:1]:7401", "is not"),
        ("a b:7401", "is not"),
        ([], "no endpoints"),
    ],
)
def test_endpoints_are_checked(endpoints: str | list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Client(endpoints, _transport=FakeCluster())


@pytest.mark.parametrize(("host", "port"), [("", 7401), ("a:1", 7401), ("a", 0), ("a", 70000)])
def test_host_and_port_are_checked(host: str, port: int) -> None:
    with pytest.raises(ValueError, match="is not of the form host:port"):
        Client(host=host, port=port, _transport=FakeCluster())


@virtual_time
async def test_an_ipv6_address_is_a_host(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    cluster.nodes[0].address = "[::1]:1"
    for client in (
        Client(host="::1", port=1, _transport=cluster, _clock=clock),
        Client("[::1]:1", _transport=cluster, _clock=clock),
    ):
        await client.put("k", "v")
        await client.close()
    assert len(cluster.nodes[0].calls) == 2


def test_a_client_says_of_which_cluster_it_is() -> None:
    assert repr(Client(["a:1", "b:2"], _transport=FakeCluster())) == "<ostraka.aio.Client of a:1, b:2>"


def test_a_client_of_another_event_loop_says_so() -> None:
    client = Client("a1:1", _transport=FakeCluster())
    asyncio.run(_put(client))
    for use in (_put, _ask, Client.close):
        with pytest.raises(RuntimeError, match="another event loop"):
            asyncio.run(use(client))


async def _put(client: Client) -> None:
    await client.put("k", "v")


async def _ask(client: Client) -> None:
    await client.status("a1:1")


def test_endpoints_beside_a_host_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        Client("a:1", host="b", _transport=FakeCluster())


@virtual_time
async def test_host_and_port_are_an_endpoint(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with Client(host="a2", port=1, _transport=cluster, _clock=clock) as client:
        await client.get("k")
    assert len(cluster.named("n2").calls) == 1
    assert cluster.closed
