"""A whole run: a cluster through its faults, then healed, then held to what it must do when nothing hinders it."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ostraka_server.paxos.messages import Message
from tests.simulation.host import Host
from tests.simulation.load import Load
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import Network
from tests.simulation.plan import Plan
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation
from tests.simulation.watch import Watch
from tests.simulation.world import World

LEADER_WITHIN_ELECTION_TIMEOUTS = 10
COMMAND_WITHIN_S = 3.0
LEVEL_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Failure:
    """How a run ended badly."""

    invariant: str
    detail: str
    last_events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run amounts to. `simulated_s` are virtual seconds."""

    plan: Plan
    digest: str
    events: int
    simulated_s: float
    counts: Counter[str]
    failure: Failure | None


def run(plan: Plan, echo: Callable[[str], object] | None = None) -> Outcome:
    """Live through a plan; `echo` gets every event. Never raises: a broken invariant is an outcome."""
    cluster = Cluster(plan, echo)
    failure = None
    try:
        cluster.live()
    except Violation as violation:
        failure = Failure(violation.invariant, violation.detail, tuple(cluster.trace.last))
    except Exception:  # an assertion or error of the code under test: a finding like any other
        failure = Failure("assertion", traceback.format_exc(), tuple(cluster.trace.last))
    trace = cluster.trace
    return Outcome(plan, trace.digest, trace.events, cluster.timeline.now, trace.counts, failure)


class Cluster:
    """The parts of a run, put together."""

    def __init__(self, plan: Plan, echo: Callable[[str], object] | None = None) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.trace = Trace(self.timeline, echo)
        self.watch = Watch(self.trace, plan.members)
        network: Network[Message] = Network(
            self.timeline, Random(f"{plan.seed} network"), self.trace, plan.conditions, self._deliver
        )
        world = World(plan, self.timeline, self.watch, network.send)
        self.hosts = [Host(me, world) for me in range(1, plan.members + 1)]
        self._nemesis = Nemesis(world, network, self.hosts)
        self._load = Load(plan, self.timeline, self.hosts)

    def live(self) -> None:
        """Faults for as long as the plan says; then P14."""
        self.timeline.run_until(self.plan.duration_s)
        self._nemesis.calm()
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
