"""Makes the plan's sudden faults happen, each class at random moments of its own, and ends them all in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from random import Random

from ostraka_server.paxos.messages import Message
from tests.simulation.driver import Boundary
from tests.simulation.host import Host
from tests.simulation.network import Link, Network
from tests.simulation.plan import SUDDEN, Fault
from tests.simulation.world import World


class Nemesis:
    """Active from its creation until `calm`."""

    def __init__(self, world: World, network: Network[Message], hosts: Sequence[Host]) -> None:
        self._world = world
        self._network = network
        self._hosts = hosts
        self._random = Random(f"{world.plan.seed} nemesis")
        self._active = True
        self._deeds = {
            Fault.REPLAY: self._replay,
            Fault.PARTITION: self._partition,
            Fault.ASYMMETRIC: self._asymmetric,
            Fault.RING: self._ring,
            Fault.CLOG: self._clog,
            Fault.CRASH: self._crash,
            Fault.CRASH_ALL: self._crash_all,
            Fault.CRASH_AT_BOUNDARY: self._doom,
            Fault.PAUSE: self._pause,
            Fault.DRIFT: self._drift,
            Fault.JUMP: self._jump,
            Fault.SLOW_SYNC: self._slow_sync,
            Fault.TRANSFER: self._transfer,
            Fault.DECAY: self._decay,
        }
        for fault in SUDDEN:
            if fault in world.plan.faults:
                self._schedule(fault)

    def calm(self) -> None:
        """Every fault off, everybody up and awake."""
        self._active = False
        self._network.calm()
        for host in self._hosts:
            host.start()
            assert host.life is not None
            host.life.doomed = None
            host.life.sync_delay_s = 0.0
            host.clock.run_at(1.0)
            host.life.resume()

    def _schedule(self, fault: Fault) -> None:
        def strike() -> None:
            if self._active:
                self._world.watch.trace.note(f"- {fault.value}")
                self._deeds[fault]()
                self._schedule(fault)

        wait = self._random.expovariate(1 / self._world.plan.fault_interval_s)
        self._world.timeline.after(wait, strike)

    def _count(self, fault: Fault) -> None:
        self._world.watch.trace.count(fault.value)

    def _lasting(self) -> float:
        """How long something lasts, in seconds: from a hiccup to several election timeouts."""
        return self._random.choice((0.1, 1.0, 6.0)) * self._random.uniform(0.5, 1.0)

    # Network

    def _replay(self) -> None:
        self._network.replay(self._random.randint(1, 30))

    def _partition(self) -> None:
        """A side with the target on it, at most half of all, and the rest."""
        others = self._random.sample(self._members(), self._random.randrange((len(self._hosts) + 1) // 2))
        side = {self._target().me, *others}
        self._block(Fault.PARTITION, (link for link in self._links() if (link[0] in side) != (link[1] in side)))

    def _asymmetric(self) -> None:
        """Somebody cannot be heard, or cannot hear."""
        mute = self._target().me
        end = self._random.randrange(2)
        self._block(Fault.ASYMMETRIC, (link for link in self._links() if link[end] == mute))

    def _ring(self) -> None:
        """Everybody hears only the neighbours in some order; of three, two do not hear each other."""
        order = self._members()
        self._random.shuffle(order)
        near = {frozenset(pair) for pair in pairwise(order)}
        if len(order) > 3:
            near.add(frozenset((order[-1], order[0])))
        self._block(Fault.RING, (link for link in self._links() if frozenset(link) not in near))

    def _block(self, fault: Fault, links: Iterable[Link]) -> None:
        blocked = list(links)
        if blocked:
            self._count(fault)
            self._network.block(blocked)
            self._world.timeline.after(self._lasting(), lambda: self._unblock(blocked))

    def _unblock(self, links: Sequence[Link]) -> None:
        if self._active:
            self._network.unblock(links)

    def _clog(self) -> None:
        links = [link for link in self._links() if self._random.random() < 0.4]
        if links:
            self._count(Fault.CLOG)
            self._network.clog(links, self._world.timeline.now + self._lasting())

    # Replicas

    def _crash(self) -> None:
        self._count(Fault.CRASH)
        self._down(self._target(), self._lasting())

    def _crash_all(self) -> None:
        self._count(Fault.CRASH_ALL)
        for host in self._hosts:
            self._down(host, self._lasting())

    def _down(self, host: Host, seconds: float) -> None:
        host.crash(self._world.plan.loss)
        self._world.timeline.after(seconds, host.start)

    def _doom(self) -> None:
        life = self._target().life
        if life is not None:
            self._count(Fault.CRASH_AT_BOUNDARY)
            life.doomed = self._random.choice(list(Boundary))

    def _pause(self) -> None:
        life = self._target().life
        if life is not None:
            self._count(Fault.PAUSE)
            life.pause()
            self._world.timeline.after(self._lasting(), life.resume)

    def _drift(self) -> None:
        """Somebody's clock runs at another rate from now on."""
        self._count(Fault.DRIFT)
        host = self._target()
        host.clock.run_at(self._random.choice((0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0)))
        if host.life is not None:
            host.life.set_alarm()

    def _jump(self) -> None:
        """Somebody's clock jumps ahead."""
        self._count(Fault.JUMP)
        host = self._target()
        host.clock.jump(self._lasting())
        if host.life is not None:
            host.life.set_alarm()

    def _slow_sync(self) -> None:
        life = self._target().life
        if life is not None:
            self._count(Fault.SLOW_SYNC)
            life.sync_delay_s = self._random.uniform(0.05, 1.0)
            self._world.timeline.after(self._lasting(), partial(setattr, life, "sync_delay_s", 0.0))

    def _transfer(self) -> None:
        for host in self._hosts:
            if host.life is not None and host.life.replica.leads:
                host.life.transfer(self._random.choice(self._members()))

    def _decay(self) -> None:
        """Somebody goes down, and its disk has lost entries; of no slot is the last readable copy among them."""
        if len(self._hosts) < 3:
            return
        host = self._random.choice(self._hosts)
        host.crash(self._world.plan.loss)
        held = host.disk.readable
        damaged = {each.slot for other in self._hosts if other is not host for each in other.disk.faulty}
        candidates = [slot for slot in held[-50:] if slot not in damaged]
        for slot in self._random.sample(candidates, min(len(candidates), self._random.choice((1, 1, 3, 20)))):
            self._count(Fault.DECAY)
            host.disk.damage(slot)
        self._world.timeline.after(self._lasting(), host.start)

    # Choices

    def _target(self) -> Host:
        """Half the time one that leads, if any does, since most that can go wrong goes wrong there."""
        leading = [host for host in self._hosts if host.life is not None and host.life.replica.leads]
        return self._random.choice(leading if leading and self._random.random() < 0.5 else self._hosts)

    def _members(self) -> list[int]:
        return [host.me for host in self._hosts]

    def _links(self) -> list[Link]:
        members = self._members()
        return [(source, target) for source in members for target in members if source != target]
