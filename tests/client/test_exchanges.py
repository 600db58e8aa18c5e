from __future__ import annotations

import asyncio

from ostraka._exchanges import Exchanges
from tests.client.fake_cluster import FakeCluster, silent
from tests.client.test_exchange import calling
from tests.client.virtual_time import VirtualClock, turns, virtual_time


@virtual_time
async def test_each_node_has_one_exchange(clock: VirtualClock) -> None:
    exchanges = Exchanges(FakeCluster(2), clock)
    assert exchanges.to("a1:1") is exchanges.to("a1:1")
    assert exchanges.to("a2:1") is not exchanges.to("a1:1")
    await exchanges.close()


@virtual_time
async def test_an_exchange_that_ended_is_replaced(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    exchanges = Exchanges(cluster, clock)
    first = exchanges.to("a1:1")
    await turns()
    cluster.nodes[0].streams[0].break_off()
    await turns()
    assert exchanges.to("a1:1") is not first
    await exchanges.close()


@virtual_time
async def test_one_that_retires_keeps_its_calls_and_gets_no_more(clock: VirtualClock) -> None:
    cluster = FakeCluster(1)
    node = cluster.nodes[0]
    node.behaviour = silent
    exchanges = Exchanges(cluster, clock)
    first = exchanges.to("a1:1")
    (waiting,) = calling(first, 1)
    await turns()
    node.streams[0].ask_to_retire()
    await turns()
    second = exchanges.to("a1:1")
    assert second is not first and not first.ended
    node.behaviour = None
    assert (await second.call(b"", 5.0)).WhichOneof("result")
    await exchanges.close()
    assert first.ended and second.ended
    assert (await asyncio.gather(waiting))[0].HasField("error")
