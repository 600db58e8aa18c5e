"""Whole nodes whose stores decay: nothing of it is served, and the replica gets its state again from elsewhere."""

from __future__ import annotations

from contextlib import suppress

import pytest

from ostraka.errors import OutcomeUnknown
from ostraka_server.config import Log, Store
from ostraka_server.shard.layout import FIRST_GROUP, SYSTEM_GROUP
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import Cluster, KiB, run
from tests.simulation.stack.host import Host

COLD = Store(flush_interval_ms=50, cache_bytes=0)
"""Reads come from SQLite."""

SHORT = Log(segment_bytes=512 * KiB, retain_entries=40)


def damage(node: Host, statement: str, group: int = FIRST_GROUP) -> None:
    """Change what lies in a store behind its back."""
    changed = node.up.hosting.stores[group]._writer.execute(statement)
    assert changed.rowcount == 1


def installed(node: Host, group: int = FIRST_GROUP) -> int:
    return node.up.hosting.sinks[group].installed


async def filled(cluster: Cluster) -> None:
    """A hundred keys, in every store."""
    client = cluster.client()
    for number in range(100):
        await client.put(f"row {number}", f"value {number}")
    await cluster.until(lambda: all(not n.up.group.machine.unflushed_entries for n in cluster.nodes), 5.0)


WRONG_VALUE = "UPDATE kv SET value = x'00' WHERE key = CAST('row 7' AS BLOB)"
WRONG_STATE = "UPDATE state SET applied_slot = applied_slot + 1"


async def until_rebuilt(cluster: Cluster, node: Host, group: int = FIRST_GROUP) -> None:
    """Until a node that met damage has another store, in the same process."""
    await cluster.until(lambda: installed(node, group) == 1, 15.0)
    await cluster.until_level()
    assert not node.up.hosting.groups[group].lost
    assert node.ended_by is None


@pytest.mark.parametrize("leads", [False, True])
def test_a_damaged_row_is_not_served_and_the_read_is_answered_elsewhere(leads: bool) -> None:
    async def scenario(cluster: Cluster) -> None:
        await filled(cluster)
        node = cluster.must_lead if leads else cluster.followers[0]
        damage(node, WRONG_VALUE)
        found = await cluster.client(node.address).get("row 7", serializable=not leads)
        assert found is not None and found.value == b"value 7"
        assert node.up.group.lost or installed(node)
        await until_rebuilt(cluster, node)
        row = node.up.group.get(b"row 7")
        assert row is not None and row.value == b"value 7"

    run(scenario, seed=1, store=COLD)


@pytest.mark.parametrize("leads", [False, True])
@pytest.mark.parametrize("statement", [WRONG_VALUE, WRONG_STATE], ids=["at apply", "at a flush"])
def test_damage_met_by_writes_loses_none_of_them(leads: bool, statement: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        await filled(cluster)
        load = Load(cluster)
        async with load, cluster.client() as client:
            node = cluster.must_lead if leads else cluster.followers[0]
            damage(node, statement)
            with suppress(OutcomeUnknown):  # of the leader that met the damage when it applied the put
                await client.put("row 7", "again", timeout=10.0)
            await until_rebuilt(cluster, node)
            await cluster.sleep(0.3)
        await load.check()
        row = node.up.group.get(b"row 7")
        assert row is not None and (row.value, row.version) == (b"again", 2)

    run(scenario, seed=2, store=COLD, log=SHORT)


def test_damage_met_by_a_snapshot_stays_where_it_is() -> None:
    """The leader, which is asked for it, has damage that nothing else read."""

    async def scenario(cluster: Cluster) -> None:
        load = Load(cluster)
        async with load:
            away, leader = cluster.followers[0], cluster.must_lead
            slot = away.up.group.replica.decided_through
            await cluster.client(leader.address).put("unread", "sound")
            await cluster.sleep(0.2)
            away.kill()
            await cluster.until(lambda: all(n.up.hosting.log.base(FIRST_GROUP) > slot for n in cluster.alive), 30.0)
            damage(leader, "UPDATE kv SET value = x'00' WHERE key = CAST('unread' AS BLOB)")
            away.start()
            await until_rebuilt(cluster, leader)
            await cluster.until(lambda: installed(away) == 1, 5.0)
        await load.check()
        for node in cluster.nodes:
            row = node.up.group.get(b"unread")
            assert row is not None and row.value == b"sound"

    run(scenario, seed=3, store=COLD, log=SHORT)


def test_the_layout_that_is_known_holds_while_the_system_groups_store_is_rebuilt() -> None:
    async def scenario(cluster: Cluster) -> None:
        await filled(cluster)
        node = next(each for each in cluster.nodes if each.up.hosting.groups[SYSTEM_GROUP].replica.serving)
        node.kill()
        node.start()
        await cluster.until(lambda: cluster.leader is not None, 5.0)
        await cluster.until_level()
        damage(node, "UPDATE kv SET value = x'00'", SYSTEM_GROUP)
        found = await cluster.client(node.address).get("row 7")
        assert found is not None and found.value == b"value 7"
        await until_rebuilt(cluster, node, SYSTEM_GROUP)

    run(scenario, seed=4, store=COLD)


@pytest.mark.parametrize("truncated", [False, True])
def test_a_store_found_damaged_at_a_start_is_rebuilt(truncated: bool) -> None:
    """From this node's own log where it goes back to the beginning, else from the others."""

    async def scenario(cluster: Cluster) -> None:
        await filled(cluster)
        load = Load(cluster)
        async with load:
            await cluster.sleep(1.0)
            node = cluster.followers[0]
            assert (node.up.hosting.log.base(FIRST_GROUP) > 0) == truncated
            await node.stop()
            image = bytearray(node.disk.images[FIRST_GROUP])
            image[image.index(b"value 50")] ^= 1
            node.disk.images[FIRST_GROUP] = bytes(image)
            cluster.watch.store_struck(node.name, FIRST_GROUP)
            node.start()
            await cluster.until_serves(node)
            await cluster.until_level()
            assert installed(node) == truncated
        await load.check()
        row = node.up.group.get(b"row 50")
        assert row is not None and row.value == b"value 50"

    run(scenario, seed=5, store=COLD, log=SHORT if truncated else Log(segment_bytes=512 * KiB))
