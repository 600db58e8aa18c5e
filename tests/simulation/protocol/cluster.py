"""A whole run: a cluster through its faults, then healed, then held to what it must do when nothing hinders it."""

from __future__ import annotations

from collections.abc import Callable

from ostraka_server.paxos.messages import Message
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import Network
from tests.simulation.protocol.deeds import Deeds
from tests.simulation.protocol.host import Host
from tests.simulation.protocol.load import Load
from tests.simulation.protocol.plan import ProtocolPlan
from tests.simulation.protocol.watch import Watch
from tests.simulation.protocol.world import World
from tests.simulation.recorder import Recorder
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation

LEADER_WITHIN_ELECTION_TIMEOUTS = 10
COMMAND_WITHIN_S = 3.0
LEVEL_WITHIN_S = 20.0


class Cluster:
    """The parts of a run, put together."""

    def __init__(self, plan: ProtocolPlan, recorder: Recorder | None = None) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.trace = Trace(self.timeline, recorder)
        self.watch = Watch(self.trace, plan.members)
        network: Network[Message] = Network(
            self.timeline, plan.random("network"), self.trace, plan.conditions, self._deliver
        )
        world = World(plan, self.timeline, self.watch, network.send)
        self.hosts = [Host(me, world) for me in range(1, plan.members + 1)]
        self._deeds = Deeds(world, network, self.hosts)
        self._nemesis = Nemesis(plan, self.timeline, self.trace, self._deeds.by_fault)
        self._load = Load(plan, self.timeline, self.hosts)

    def live(self) -> None:
        """Faults for as long as the plan says; then P14."""
        self.timeline.run_until(self.plan.duration_s)
        self._nemesis.stop()
        self._deeds.calm()
        self.trace.note("- healed")
        self._must(
            "a leader serves",
            LEADER_WITHIN_ELECTION_TIMEOUTS * self.plan.config.election_timeout_s,
            self._serves,
        )
        self._load.insist(every_s=0.1)
        acknowledged, answered = self.watch.history.acknowledged, self.watch.history.read
        self._must(
            "a new command is acknowledged", COMMAND_WITHIN_S, lambda: self.watch.history.acknowledged > acknowledged
        )
        self._must("a new read is answered", COMMAND_WITHIN_S, lambda: self.watch.history.read > answered)
        through = self.watch.agreement.chosen_through
        self._must("all replicas are level", LEVEL_WITHIN_S, lambda: self._level(through))

    def _deliver(self, source: int, target: int, message: Message) -> None:
        self.hosts[target - 1].receive(source, message)

    def _must(self, what: str, within_s: float, done: Callable[[], bool]) -> None:
        if not self.timeline.run_until(self.timeline.now + within_s, done):
            raise Violation("P14", f"healed at {self.plan.duration_s:.3f}, but not within {within_s:.1f} s: {what}")

    def _serves(self) -> bool:
        return any(host.life is not None and host.life.replica.serving for host in self.hosts)

    def _level(self, through: int) -> bool:
        return all(host.life is not None and host.life.replica.decided_through >= through for host in self.hosts)
