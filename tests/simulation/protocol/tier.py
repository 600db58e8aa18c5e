"""The protocol tier: replicas of one group, without anything around them. Fast."""

from __future__ import annotations

from tests.simulation.faults import Fault
from tests.simulation.protocol import plan as protocol_plan
from tests.simulation.protocol.cluster import Cluster
from tests.simulation.protocol.plan import LASTING, SUDDEN, ProtocolPlan
from tests.simulation.recorder import Recorder
from tests.simulation.tier import Outcome, conclude


class ProtocolTier:
    """See `tests.simulation.tier.Tier`."""

    name = "protocol"
    faults = LASTING | SUDDEN

    def draw(self, seed: int, always: frozenset[Fault] = frozenset()) -> ProtocolPlan:
        return protocol_plan.draw(seed, always)

    def run(self, plan: ProtocolPlan, recorder: Recorder | None = None) -> Outcome:
        cluster = Cluster(plan, recorder)
        return conclude(plan, cluster.timeline, cluster.trace, cluster.live)
