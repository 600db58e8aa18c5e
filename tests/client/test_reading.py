"""How reads are asked for, what they tell, and scans of one revision."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from ostraka import errors
from ostraka._scan import PAGE_KEYS, Scan
from ostraka.aio import Client
from ostraka.clock import next_turn
from ostraka.v1 import common_pb2 as pb
from ostraka.v1 import kv_pb2
from ostraka.v1.exchange_pb2 import Call, Command, Reply
from tests.client.fake_cluster import FakeCluster, failing
from tests.client.virtual_time import VirtualClock, turns, virtual_time

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def client_of(cluster: FakeCluster, clock: VirtualClock) -> Client:
    return Client(cluster.nodes[0].address, _transport=cluster, _clock=clock)


def commands(cluster: FakeCluster) -> list[Command]:
    return [call.command for node in cluster.nodes for call in node.calls]


ASKED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"revision": 7}, {"revision": 7}),
    ({"at": NOON}, {"at_unix_ms": 1772366400000}),
    ({"at": datetime(2026, 3, 1, 12, 0, 0, 1999, tzinfo=UTC)}, {"at_unix_ms": 1772366400001}),
    ({"at": datetime(1970, 1, 1, tzinfo=UTC)}, {"at_unix_ms": 1}),  # 0 would be the present
    ({"at": datetime.min}, {"at_unix_ms": 1}),
    ({"serializable": True}, {"strength": pb.SERIALIZABLE}),
    ({"max_staleness": 0}, {"strength": pb.BOUNDED}),
    ({"max_staleness": 1.5}, {"strength": pb.BOUNDED, "max_staleness_ms": 1500}),
    ({"max_staleness": 1e9}, {"strength": pb.BOUNDED, "max_staleness_ms": 2**32 - 1}),
    ({"min_revision": 9, "serializable": True}, {"strength": pb.SERIALIZABLE, "min_revision": 9}),
]


@virtual_time
async def test_every_read_asks_as_it_is_told(clock: VirtualClock) -> None:
    for options, request_fields in ASKED:
        cluster = FakeCluster(1)
        async with client_of(cluster, clock) as client:
            await client.get("k", **options)
            await client.read("k", **options)
            await client.count("k", **options)
            _ = [kv async for kv in client.range("k", **options)]
        get, read, count, scan = commands(cluster)
        assert get.get == read.get == kv_pb2.GetRequest(key=b"k", **request_fields)
        end = b"\0"
        assert count.range == kv_pb2.RangeRequest(key=b"k", range_end=end, count_only=True, **request_fields)
        page = kv_pb2.RangeRequest(key=b"k", range_end=end, limit=PAGE_KEYS, without_count=True, **request_fields)
        assert scan.range == page


SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"revision": 7, "at": NOON}, "revision= or at="),
    ({"serializable": True, "max_staleness": 1.0}, "serializable= or max_staleness="),
    ({"revision": 0}, "revision is 0"),
    ({"min_revision": -1}, "min_revision is -1"),
    ({"max_staleness": -1.0}, "max_staleness is -1.0"),
    ({"max_staleness": float("nan")}, "max_staleness is nan"),
]


@virtual_time
async def test_what_makes_no_sense_is_refused_here(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        for options, message in SENSELESS:
            for read in (client.get, client.read, client.count):
                with pytest.raises(ValueError, match=message):
                    await read("k", **options)
            with pytest.raises(ValueError, match=message):
                client.range("k", **options)
        with pytest.raises(ValueError, match="a bound is 0"):
            client.range(mod_revisions=(0, None))
        with pytest.raises(ValueError, match="page_size is 0"):
            client.range(page_size=0)
        with pytest.raises(ValueError, match="sort_by is 'size'"):
            client.range(sort_by="size")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="at is a datetime, not float"):
            await client.get("k", at=1772366400.0)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="revision is 0"):
            await client.compact(0)
    assert commands(cluster) == []


@virtual_time
async def test_a_read_tells_what_was_read(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    header = pb.ResponseHeader(shard=1, node="n1", revision=9)
    response = kv_pb2.GetResponse(header=header, read_revision=7, staleness_ms=250)
    cluster.nodes[0].behaviour = lambda call: Reply(get=response)
    async with client_of(cluster, clock) as client:
        found = await client.read("k", revision=7, max_staleness=1.0)
        assert (found.kv, found.revision, found.read_revision, found.staleness) == (None, 9, 7, 0.25)
        assert (await client.read("k")).staleness is None


@virtual_time
async def test_bounded_reads_ask_any_node(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        await client.put("k", "v")
        await turns()  # the look at the cluster
        for _ in range(3):
            await client.get("k", max_staleness=1.0)
        assert all(node.calls for node in cluster.nodes)


@virtual_time
async def test_a_node_that_hears_no_leader_is_left_for_others(clock: VirtualClock) -> None:
    for heavy in (1, 100):
        cluster = FakeCluster()
        away = cluster.nodes[2]
        first, balancer = cluster.nodes[0].address, {away.address: heavy}
        async with Client(first, balancer=balancer, _transport=cluster, _clock=clock) as client:
            await client.put("k", "v")
            await turns()  # the look at the cluster
            away.behaviour = failing(errors.Status.UNAVAILABLE, pb.NO_LEADER)
            began = clock.now()
            for _ in range(20):
                assert await client.get("k", max_staleness=1.0) is not None
            assert len(away.calls) == 1, "it is not asked again soon"
            assert clock.now() - began < 0.1


@virtual_time
async def test_a_compaction_is_a_write(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    cluster.nodes[0].behaviour = lambda call: Reply(compact=kv_pb2.CompactResponse(header=pb.ResponseHeader(node="n1")))
    async with client_of(cluster, clock) as client:
        await client.compact(7)
    (command,) = commands(cluster)
    assert command.compact == kv_pb2.CompactRequest(revision=7)


# Scans


async def filled(client: Client, count: int = 40) -> None:
    for i in range(count):
        await client.put(f"key{i:03}", "v" * 50)


def pages_of(cluster: FakeCluster) -> list[kv_pb2.RangeRequest]:
    return [command.range for command in commands(cluster) if command.HasField("range")]


@virtual_time
async def test_later_pages_ask_for_the_revision_of_the_first(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await filled(client)
        scan = client.range(max_staleness=5.0, min_revision=3)
        assert scan.revision == 0
        await anext(scan)
        assert scan.revision == 41
        await client.put("later", "v")
        _ = [kv async for kv in scan]
        first, *later = pages_of(cluster)
        assert (first.strength, first.revision, first.min_revision) == (pb.BOUNDED, 0, 3)
        assert len(later) > 2
        for page in later:
            assert (page.strength, page.revision) == (pb.SERIALIZABLE, 41)
            assert page.max_staleness_ms == page.min_revision == page.at_unix_ms == 0
        assert scan.revision == 41


@virtual_time
async def test_later_pages_come_from_any_node(clock: VirtualClock) -> None:
    cluster = FakeCluster()
    async with client_of(cluster, clock) as client:
        await filled(client)
        _ = [kv async for kv in client.range()]
        assert all(any(call.command.HasField("range") for call in node.calls) for node in cluster.nodes)


@virtual_time
async def test_a_descending_scan_goes_on_before_the_last_key(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    keys = [b"c", b"b", b"a"]

    def descending(call: Call) -> Reply:
        end = call.command.range.range_end
        left = [key for key in keys if end == b"\0" or key < end]
        kvs = [pb.KeyValue(key=key) for key in left[:1]]
        response = kv_pb2.RangeResponse(kvs=kvs, more=len(left) > 1, read_revision=4)
        response.header.node = "n1"
        return Reply(range=response)

    cluster.nodes[0].behaviour = descending
    async with client_of(cluster, clock) as client:
        assert [kv.key async for kv in client.range(descending=True)] == keys
    assert all(page.sort_order == kv_pb2.DESCENDING for page in pages_of(cluster))


@virtual_time
async def test_another_order_is_one_page(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await filled(client, 20)
        assert len([kv async for kv in client.range(sort_by="mod", limit=3)]) == 3
        assert pages_of(cluster)[-1].limit == 3
        assert pages_of(cluster)[-1].sort_target == kv_pb2.BY_MOD_REVISION
        with pytest.raises(errors.TooLarge, match="set a limit="):
            _ = [kv async for kv in client.range(sort_by="value")]
        assert pages_of(cluster)[-1].limit == 0


@virtual_time
async def test_filters_are_passed_on(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await client.range(mod_revisions=(2, None), create_revisions=(3, 9)).page()
    (page,) = pages_of(cluster)
    bounds = (page.min_mod_revision, page.max_mod_revision, page.min_create_revision, page.max_create_revision)
    assert bounds == (2, 0, 3, 9)


@virtual_time
async def test_a_scan_that_outlives_the_history_says_so(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    async with client_of(cluster, clock) as client:
        await filled(client)
        scan = client.range()
        await anext(scan)
        cluster.nodes[0].behaviour = failing(errors.Status.OUT_OF_RANGE, pb.COMPACTED)
        with pytest.raises(errors.Compacted):
            _ = [kv async for kv in scan]


class Pages:
    """Answers pages of one key each, once they are let through; counts those asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failure: Exception | None = None

    async def read(self, request: kv_pb2.RangeRequest) -> kv_pb2.RangeResponse:
        self.asked += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return kv_pb2.RangeResponse(kvs=[pb.KeyValue(key=b"%d" % self.asked)], more=self.asked < 5, read_revision=4)

    def scan(self, limit: int | None = None) -> Scan:
        return Scan(self.read, kv_pb2.RangeRequest(), limit)


@virtual_time
async def test_from_the_second_page_on_one_is_asked_for_ahead(clock: VirtualClock) -> None:
    pages = Pages()
    scan = pages.scan()
    asked = []
    while not scan.ended:
        (kv,) = await scan.page()
        asked.append((kv.key, pages.asked))
    assert asked == [(b"1", 1), (b"2", 3), (b"3", 4), (b"4", 5), (b"5", 5)]


@virtual_time
async def test_no_more_is_asked_for_ahead_than_is_wanted(clock: VirtualClock) -> None:
    pages = Pages()
    assert len([kv async for kv in pages.scan(limit=2)]) == 2
    assert pages.asked == 2


@virtual_time
async def test_a_page_that_failed_may_be_asked_for_again(clock: VirtualClock) -> None:
    pages = Pages()
    scan = pages.scan()
    await scan.page()
    pages.failure = errors.DeadlineExceeded("slow")
    with pytest.raises(errors.DeadlineExceeded):
        await scan.page()
    pages.failure = None
    assert [kv.key for kv in await scan.page()] == [b"3"]
    pages.open.clear()
    pages.failure = errors.DeadlineExceeded("slow")
    pages.open.set()
    assert [kv.key for kv in await scan.page()] == [b"4"], "it had come already"
    with pytest.raises(errors.DeadlineExceeded):
        await scan.page()


@virtual_time
async def test_a_page_whose_reader_was_cancelled_is_not_lost(clock: VirtualClock) -> None:
    wanted = [b"%d" % number for number in range(5)]

    async def read(request: kv_pb2.RangeRequest) -> kv_pb2.RangeResponse:
        left = [key for key in wanted if key >= request.key]
        await next_turn()
        return kv_pb2.RangeResponse(kvs=[pb.KeyValue(key=left[0])], more=len(left) > 1, read_revision=4)

    cancelled = 0
    for patience in range(10):
        scan = Scan(read, kv_pb2.RangeRequest(), None)
        keys = [kv.key for kv in await scan.page()]
        reader = asyncio.create_task(scan.page())
        for _ in range(patience):
            await next_turn()
        reader.cancel()
        await asyncio.wait([reader])
        cancelled += reader.cancelled()
        keys += [] if reader.cancelled() else [kv.key for kv in reader.result()]
        assert keys + [kv.key async for kv in scan] == wanted, patience
    assert 0 < cancelled < 10


@virtual_time
async def test_a_scan_that_is_left_asks_for_nothing_more(clock: VirtualClock) -> None:
    pages = Pages()
    scan = pages.scan()
    await scan.page()
    await scan.page()
    await turns()
    assert pages.asked == 3
