"""Reads by strength on whole nodes, one of which is cut off."""

from __future__ import annotations

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.shard.failures import UNAVAILABLE
from tests.shard.asking import bounded_get, get_since, local_get
from tests.simulation.stack.cluster import Cluster, run
from tests.simulation.stack.host import Host

APART_S = 3.0


class Asking:
    """Asks one node, as what arrives there is, and lets time pass until it answers."""

    def __init__(self, cluster: Cluster, node: Host) -> None:
        self._cluster = cluster
        self._node = node

    async def __call__(self, command: Command, timeout_ms: int = 1000) -> Reply:
        replies: list[Reply] = []
        self._node.up.gateway.submit(command.SerializeToString(), timeout_ms, replies.append)
        await self._cluster.until(lambda: bool(replies), timeout_ms / 1000 + 0.2)
        return replies[0]


def test_a_follower_that_is_cut_off_answers_as_old_as_it_may_and_says_so() -> None:
    async def scenario(cluster: Cluster) -> None:
        client, away = cluster.client(), cluster.followers[0]
        ask = Asking(cluster, away)
        await client.put("k", "old")
        before = (await ask(bounded_get(0))).get
        assert before.kv.value == b"old"
        assert before.header.node == away.name
        assert before.staleness_ms < 1000

        began = cluster.now
        cluster.cut_off([away], APART_S)
        written = await client.put("k", "new")
        await cluster.sleep(0.5)
        stale = (await ask(bounded_get(2000))).get
        assert stale.kv.value == b"old"
        assert stale.staleness_ms >= (cluster.now - began) * 1000 - 50
        assert (await ask(local_get())).get.kv.value == b"old"
        for command in (bounded_get(100), get_since(written.revision)):
            refused = (await ask(command)).error
            assert (refused.code, refused.detail.reason) == (UNAVAILABLE, Reason.NO_LEADER)
            assert refused.detail.surely_not_done

        await cluster.sleep(APART_S)
        assert (await ask(bounded_get(100))).get.kv.value == b"new"
        assert (await ask(get_since(written.revision))).get.kv.value == b"new"
        future = await ask(get_since(written.revision + 1))
        assert future.error.detail.reason == Reason.FUTURE_REVISION

    run(scenario, seed=11)


def test_a_client_that_asks_a_node_cut_off_is_answered_by_another() -> None:
    async def scenario(cluster: Cluster) -> None:
        client, away = cluster.client(), cluster.followers[0]
        for number in range(5):
            await client.put(f"k{number}", "old")
        cluster.cut_off([away], 4 * APART_S)
        await cluster.sleep(0.5)
        await client.put("k4", "new")
        began = cluster.now
        for _ in range(6):  # in turn, two of them at the node that is cut off, if the client did not learn
            found = await client.get("k4", max_staleness=0.1)
            assert found is not None and found.value == b"new"
        pages = [kv.value async for kv in client.range(prefix="k", page_size=1)]
        assert pages == [b"old"] * 4 + [b"new"]
        assert cluster.now - began < 2.5

    run(scenario, seed=14)


def test_ones_own_write_is_seen_through_every_node() -> None:
    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        for number in range(10):
            written = await client.put("k", f"{number}")
            for node in cluster.nodes:
                found = (await Asking(cluster, node)(get_since(written.revision))).get
                assert found.kv.value == b"%d" % number
                assert found.header.node == node.name

    run(scenario, seed=12)


def test_a_deposed_leader_that_does_not_know_it_answers_nothing_bounded() -> None:
    async def scenario(cluster: Cluster) -> None:
        others, deposed = [node.address for node in cluster.followers], cluster.must_lead
        await cluster.client().put("k", "old")
        cluster.cut_off([deposed], 3 * APART_S)
        await cluster.until(lambda: cluster.leader not in (None, deposed), APART_S)
        await cluster.client(*others).put("k", "new")
        refused = await Asking(cluster, deposed)(bounded_get(300))
        assert refused.error.detail.reason == Reason.NO_LEADER
        await cluster.sleep(3 * APART_S)
        assert (await Asking(cluster, deposed)(bounded_get(300))).get.kv.value == b"new"

    run(scenario, seed=13)
