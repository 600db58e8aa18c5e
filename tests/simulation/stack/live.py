"""A run of the whole-cluster tier: a cluster under load through its faults, then healed, then held to its duties."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable

from ostraka_server.hosting import SHARDS
from tests.simulation.nemesis import Nemesis
from tests.simulation.recorder import Recorder
from tests.simulation.stack import loop
from tests.simulation.stack.cluster import POLL_S, Cluster, configs
from tests.simulation.stack.conditions import Lasting
from tests.simulation.stack.deeds.everything import Deeds
from tests.simulation.stack.deeds.scene import Scene
from tests.simulation.stack.load import Load
from tests.simulation.stack.plan import StackPlan
from tests.simulation.stack.process import adopt
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation

REFUSED_WITHIN_S = 10.0
LEADER_WITHIN_ELECTION_TIMEOUTS = 10
COMMAND_WITHIN_S = 10.0
LEVEL_WITHIN_S = 30.0
ANSWERED_WITHIN_S = 10.0


logging.getLogger("ostraka").addHandler(logging.NullHandler())  # what is wrong is wrong on purpose


class Run:
    """One per plan."""

    def __init__(self, plan: StackPlan, recorder: Recorder | None = None) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.trace = Trace(self.timeline, recorder)

    def live(self) -> None:
        """Through the plan's faults; raises Violation. Nothing is finalised at a moment that earlier runs decide on."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            loop.run(self.timeline, self._live(), adopt)
        finally:
            if collecting:
                gc.enable()

    async def _live(self) -> None:
        plan = self.plan
        of = configs(plan.members, plan.store, plan.limits, plan.log, plan.paxos)
        cluster = self._cluster = Cluster(self.timeline, self.trace, plan.seed, of)
        try:
            await self._must("the cluster is formed", 20.0, lambda: all(cluster.serving))
            await self._suffer()
        finally:
            cluster.end()

    async def _suffer(self) -> None:
        """Faults for as long as the plan says, under load; then P14."""
        plan, cluster = self.plan, self._cluster
        load = Load(plan, cluster)
        scene = Scene(plan, self.timeline, cluster, plan.random("operator"))
        deeds = Deeds(scene, load)
        lasting = Lasting(plan, cluster, self.timeline)
        lasting.begin()
        nemesis = Nemesis(plan, self.timeline, self.trace, deeds.by_fault)
        await cluster.sleep(plan.duration_s)
        nemesis.stop()
        deeds.calm()
        lasting.calm()
        self.trace.note("- healed")
        await self._heal(scene, load)
        load.check()

    async def _heal(self, scene: Scene, load: Load) -> None:
        cluster = self._cluster
        await self._must("who has forgotten something is refused", REFUSED_WITHIN_S, lambda: not scene.suspects)
        for host in cluster.nodes:
            scene.start(host)
        timeout_s = self.plan.paxos.election_timeout_ms / 1000
        await self._must("a leader serves", LEADER_WITHIN_ELECTION_TIMEOUTS * timeout_s, self._leads)
        load.stop()
        await self._ask(load)
        await self._must("all replicas are level", LEVEL_WITHIN_S, lambda: self._level(scene))
        await self._must("every call is answered", ANSWERED_WITHIN_S, self._answered)

    async def _ask(self, load: Load) -> None:
        """A client that knows every node is answered."""
        client, random = self._cluster.client(), self.plan.random("after healing")
        end = self._cluster.now + COMMAND_WITHIN_S
        while not await load.call(client, random):
            if self._cluster.now > end:
                raise self._late("a call is answered", COMMAND_WITHIN_S)

    def _leads(self) -> bool:
        return self._cluster.leader is not None

    def _level(self, scene: Scene) -> bool:
        """Whether every replica that is not lost has applied the same."""
        nodes = [node for node in self._cluster.nodes if node.name not in scene.lost]
        if not all(node.serves and node.whole for node in nodes):
            return False
        applied = {number: {group.machine.applied_slot for group in self._cluster.groups(number)} for number in SHARDS}
        return all(len(slots) == 1 for slots in applied.values())

    def _answered(self) -> bool:
        return all(node.up.gateway.in_flight == 0 for node in self._cluster.alive)

    async def _must(self, what: str, within_s: float, done: Callable[[], bool]) -> None:
        end = self._cluster.now + within_s
        while not done():
            if self._cluster.now > end:
                raise self._late(what, within_s)
            await self._cluster.sleep(POLL_S)

    def _late(self, what: str, within_s: float) -> Violation:
        return Violation("P14", f"at {self._cluster.now:.3f}: not within {within_s:.1f} s: {what}")
