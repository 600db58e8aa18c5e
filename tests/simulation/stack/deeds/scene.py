"""What all deeds of a run share: whom they strike, how long they last, and how much may be destroyed.

The budget: of one host at a time what is durable may be damaged, so that nothing decided loses its last readable copy;
the next one's turn comes once the damage is repaired. Nobody is killed while a disk is in use that has forgotten
something: who has seen it further is needed to tell.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import partial
from random import Random

from ostraka_server.log import EntryDamaged, LogCorrupt, LogFailed, LogRefused
from ostraka_server.paxos.formation import FormationError
from ostraka_server.shard.directory import DirectoryRefused
from ostraka_server.store import StoreError
from tests.simulation.faults import Fault
from tests.simulation.recorder import Link
from tests.simulation.stack.cluster import Cluster
from tests.simulation.stack.disk import Disk
from tests.simulation.stack.host import Host
from tests.simulation.stack.plan import StackPlan
from tests.simulation.timeline import Timeline


def lasting(random: Random) -> float:
    """How long something lasts, in seconds: from a hiccup to several election timeouts."""
    return random.choice((0.1, 1.0, 6.0)) * random.uniform(0.5, 1.0)


REFUSALS = (LogCorrupt, LogRefused, EntryDamaged, DirectoryRefused, FormationError, StoreError)
"""What a node ends by, naming what is wrong with its directory."""

FAILURES = (LogFailed, OSError, sqlite3.OperationalError)
"""What it ends by because the disk does not do what it should."""


def refuses(error: BaseException | None) -> bool:
    """Whether this is, or has in it, a refusal of what is on the disk."""
    return _has(error, REFUSALS)


def fails(error: BaseException | None) -> bool:
    """Whether the disk did not do what it should."""
    return _has(error, FAILURES)


def _has(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_has(each, kinds) for each in error.exceptions)
    return isinstance(error, kinds)


@dataclass(slots=True)
class Scene:
    """One per run."""

    plan: StackPlan
    timeline: Timeline
    cluster: Cluster
    chance: Random
    """What the operator decides by."""
    damaged: Host | None = None
    """Whose disk was damaged last."""
    lost: dict[str, None] = field(default_factory=dict)
    """Nodes whose disks nobody can put right: they stay down."""
    spares: dict[str, Disk] = field(default_factory=dict)
    """By node: the disk as it was before it was damaged, which an operator puts back where the node refuses to run."""

    @property
    def hosts(self) -> list[Host]:
        return self.cluster.nodes

    @property
    def suspects(self) -> bool:
        """Whether some node is to run on a disk that has forgotten something, and must find out."""
        return bool(self.cluster.watch.distrusted)

    @property
    def numbers(self) -> list[int]:
        """Of the hosts."""
        return [host.number for host in self.hosts]

    @property
    def power_fails(self) -> bool:
        """Whether a crash loses what was not synced."""
        return Fault.POWER_LOSS in self.plan.lasting

    def fired(self, fault: Fault, times: int = 1) -> None:
        """It did something."""
        self.cluster.trace.count(fault, times)

    def links(self) -> list[Link]:
        """Between nodes."""
        return [(source, target) for source in self.numbers for target in self.numbers if source != target]

    def target(self, random: Random) -> Host:
        """Half the time the one that leads, if any does, since most that can go wrong goes wrong there."""
        leader = self.cluster.leader
        return leader if leader is not None and random.random() < 0.5 else random.choice(self.hosts)

    def may_end(self, host: Host) -> bool:
        """Whether the host is up, and may be killed."""
        return host.life is not None and not self.suspects

    def down(self, host: Host, random: Random) -> None:
        """Kill a host that is up."""
        assert not self.suspects
        host.kill(power_loss=self.power_fails)
        if self.power_fails:
            self.fired(Fault.POWER_LOSS)

    def start_later(self, host: Host, seconds: float) -> None:
        """Start it, unless somebody else does before."""
        self.timeline.after(seconds, partial(self.start, host))

    def start(self, host: Host) -> None:
        """Start it, unless it is up."""
        if host.life is None and host.name not in self.lost:
            host.start()

    def served(self, host: Host) -> None:
        """A process runs on what is on the disk: the spare one grows old."""
        if host.name not in self.cluster.watch.distrusted:
            self.spares.pop(host.name, None)

    def ended(self, host: Host) -> None:
        """Its process has ended: it is started again, on a disk that it does not refuse."""
        if refuses(host.ended_by):
            self.cluster.trace.count("refused by name")
            self.cluster.watch.trust(host.name)
            self._replace(host)
        elif host.ended_by is not None:
            if not fails(host.ended_by):
                raise host.ended_by
            self.cluster.trace.count("ended by its disk")
            host.disk.lose_power(self.chance)
            host.disk.log.heal()
        self.start_later(host, lasting(self.chance))

    def _replace(self, host: Host) -> None:
        """Put the disk back as it was. Where nobody has it, the node is lost."""
        if _has(host.ended_by, (EntryDamaged,)):
            return  # started again, it has it repaired
        if host.name in self.spares:
            host.disk = self.spares.pop(host.name)
            host.watch.forgets(host.name)
        elif host is self.damaged:
            self.cluster.trace.count("node lost")
            self.lost[host.name] = None
        else:
            assert host.ended_by is not None
            raise host.ended_by

    def may_damage(self, host: Host) -> bool:
        """Whether the budget has room for damage to what is durable there."""
        if len(self.hosts) < 3 or self.suspects or self.cluster.watch.doubtful:
            return False
        return host.serves and (self.damaged is None or self.damaged.whole)

    def damages(self, host: Host) -> None:
        """The host, which is down, is about to be damaged."""
        self.damaged = host
        self.spares[host.name] = host.disk.copy()
