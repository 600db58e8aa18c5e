"""What lasts for a whole run, as the plan says; the other faults strike."""

from __future__ import annotations

from tests.simulation.faults import Fault
from tests.simulation.recorder import Link
from tests.simulation.stack.cluster import Cluster
from tests.simulation.stack.plan import StackPlan
from tests.simulation.timeline import Timeline

HEARD_ANEW_S = 1.0
"""Who hears whom changes this often."""


class Lasting:
    """From `begin` to `calm`. Settings of the nodes (`SHORT_LOG`, `TINY_LIMITS`) last as long as the nodes."""

    def __init__(self, plan: StackPlan, cluster: Cluster, timeline: Timeline) -> None:
        self._plan = plan
        self._cluster = cluster
        self._timeline = timeline
        self._random = plan.random("few hear")
        self._going = True

    def begin(self) -> None:
        plan, wires, trace = self._plan, self._cluster.wires, self._cluster.trace
        wires.frames.conditions = wires.lines.conditions = plan.conditions
        if Fault.BANDWIDTH in plan.lasting:
            trace.count(Fault.BANDWIDTH)
            wires.lines.bandwidth = plan.slow_bytes_per_s
        if Fault.SLUGGISH in plan.lasting:
            trace.count(Fault.SLUGGISH)
            self._slow_down(plan.sluggish_s)
        if Fault.FEW_HEAR in plan.lasting:
            self._choose_hearers()
        for fault in (Fault.SHORT_LOG, Fault.TINY_LIMITS):
            if fault in plan.lasting:
                trace.count(fault)

    def calm(self) -> None:
        """What `Wires.calm` does not end."""
        self._going = False
        self._slow_down(0.0)

    def _slow_down(self, busy_s: float) -> None:
        for host in self._cluster.nodes:
            host.busy_s = busy_s
            if host.process is not None:
                host.process.busy_s = busy_s

    def _choose_hearers(self) -> None:
        """What a node says reaches a quorum, itself included, and nobody else."""
        if not self._going:
            return
        numbers = [host.number for host in self._cluster.nodes]
        unheard = set[Link]()
        for source in numbers:
            others = [number for number in numbers if number != source]
            unheard.update((source, other) for other in self._random.sample(others, (len(numbers) - 1) // 2))
        self._cluster.wires.frames.unheard = frozenset(unheard)
        self._timeline.after(HEARD_ANEW_S, self._choose_hearers)
