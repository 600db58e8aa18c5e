"""How a cluster comes into being, by the real hellos over simulated connections, and what disturbs it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ostraka_server.log import LogFailed
from ostraka_server.paxos.formation import FormationError, Stage
from tests.simulation.stack import loop
from tests.simulation.stack.cluster import LIMITS, LOG, PAXOS, STORE, Cluster, configs
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.process import adopt
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


def from_the_start(scenario: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
    """Live through the scenario from before the first hello."""
    timeline = Timeline()

    async def live() -> None:
        cluster = Cluster(timeline, Trace(timeline), 1, configs(3, STORE, LIMITS, LOG, PAXOS))
        try:
            await scenario(cluster)
        finally:
            cluster.end()

    loop.run(timeline, live(), adopt)


def test_nobody_serves_before_everybody_is_there() -> None:
    async def scenario(cluster: Cluster) -> None:
        late = cluster.nodes[2]
        late.kill()
        await cluster.sleep(5.0)
        assert not any(cluster.serving)
        late.start()
        await cluster.until(lambda: all(cluster.serving), 5.0)

    from_the_start(scenario)


@pytest.mark.parametrize("step", [1, 2, 5, 8])
def test_a_disk_that_fails_while_the_cluster_is_formed_ends_its_node(step: int) -> None:
    """It is not tried again: after an error nobody knows what a disk holds."""

    async def scenario(cluster: Cluster) -> None:
        node = cluster.nodes[0]
        node.disk.log.fail(step, OSError("I/O error"))
        await cluster.until(lambda: node.life is None, 5.0)
        assert isinstance(node.ended_by, LogFailed)
        node.disk.lose_power(cluster.random)
        node.start()
        await cluster.until(lambda: all(cluster.serving), 10.0)

    from_the_start(scenario)


def test_the_power_may_fail_at_any_step_of_it() -> None:
    async def scenario(cluster: Cluster) -> None:
        for number in range(12):
            node = cluster.nodes[number % 3]
            await cluster.sleep(0.003)
            node.kill(power_loss=True)
            node.start()
        await cluster.until(lambda: all(cluster.serving), 10.0)
        assert len({node.disk.record and node.disk.record.members for node in cluster.nodes}) == 1

    from_the_start(scenario)


def test_a_member_that_comes_back_with_an_empty_directory_is_told_so() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.until(lambda: all(cluster.serving), 5.0)
        node = cluster.nodes[1]
        node.kill()
        node.disk = Disk()
        node.watch.distrust(node.name)
        node.start()
        await cluster.until(lambda: node.life is None, 5.0)
        assert isinstance(node.ended_by, FormationError)
        assert node.disk.record is not None
        assert node.disk.record.stage is Stage.FORMATTED

    from_the_start(scenario)
