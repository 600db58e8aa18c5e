"""The sudden faults of the protocol tier: what each class does when it strikes, and how all of it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from random import Random

from ostraka_server.paxos.messages import Message
from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.network import Network
from tests.simulation.protocol.driver import Boundary
from tests.simulation.protocol.host import Host
from tests.simulation.protocol.world import World
from tests.simulation.recorder import Link


def _lasting(random: Random) -> float:
    """How long something lasts, in seconds: from a hiccup to several election timeouts."""
    return random.choice((0.1, 1.0, 6.0)) * random.uniform(0.5, 1.0)


class Deeds:
    """`by_fault` holds them all. What they begin ends by itself in time, or at once with `calm`."""

    def __init__(self, world: World, network: Network[Message], hosts: Sequence[Host]) -> None:
        self._world = world
        self._network = network
        self._hosts = hosts
        self._calm = False
        self.by_fault: dict[Fault, Deed] = {
            Fault.REPLAY: self._replay,
            Fault.PARTITION: self._partition,
            Fault.ASYMMETRIC: self._asymmetric,
            Fault.RING: self._ring,
            Fault.FLICKER: self._flicker,
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

    def calm(self) -> None:
        """Every fault off, everybody up and awake."""
        self._calm = True
        self._network.calm()
        for host in self._hosts:
            host.start()
            assert host.life is not None
            host.life.doomed = None
            host.life.sync_delay_s = 0.0
            host.clock.run_at(1.0)
            host.life.resume()

    def _fired(self, fault: Fault, times: int = 1) -> None:
        self._world.watch.trace.count(fault, times)

    # Network

    def _replay(self, random: Random) -> None:
        self._network.replay(random.randint(1, 30))

    def _partition(self, random: Random) -> None:
        """A side with the target on it, at most half of all, and the rest."""
        others = random.sample(self._members(), random.randrange((len(self._hosts) + 1) // 2))
        side = {self._target(random).me, *others}
        self._block(Fault.PARTITION, random, (link for link in self._links() if (link[0] in side) != (link[1] in side)))

    def _asymmetric(self, random: Random) -> None:
        """Somebody cannot be heard, or cannot hear."""
        mute = self._target(random).me
        end = random.randrange(2)
        self._block(Fault.ASYMMETRIC, random, (link for link in self._links() if link[end] == mute))

    def _ring(self, random: Random) -> None:
        """Everybody hears only the neighbours in some order; of three, two do not hear each other."""
        order = self._members()
        random.shuffle(order)
        near = {frozenset(pair) for pair in pairwise(order)}
        if len(order) > 3:
            near.add(frozenset((order[-1], order[0])))
        self._block(Fault.RING, random, (link for link in self._links() if frozenset(link) not in near))

    def _block(self, fault: Fault, random: Random, links: Iterable[Link]) -> None:
        blocked = list(links)
        if blocked:
            self._fired(fault)
            self._network.block(blocked)
            self._world.timeline.after(_lasting(random), lambda: self._unblock(blocked))

    def _unblock(self, links: Sequence[Link]) -> None:
        if not self._calm:
            self._network.unblock(links)

    def _flicker(self, random: Random) -> None:
        """Somebody is badly heard."""
        flickering = self._target(random).me
        links = [link for link in self._links() if link[0] == flickering]
        self._network.flicker(links, self._world.timeline.now + _lasting(random))

    def _clog(self, random: Random) -> None:
        links = [link for link in self._links() if random.random() < 0.4]
        if links:
            self._fired(Fault.CLOG)
            self._network.clog(links, self._world.timeline.now + _lasting(random))

    # Replicas

    def _crash(self, random: Random) -> None:
        if self._down(self._target(random), random):
            self._fired(Fault.CRASH)

    def _crash_all(self, random: Random) -> None:
        were_up = [self._down(host, random) for host in self._hosts]
        if any(were_up):
            self._fired(Fault.CRASH_ALL)

    def _down(self, host: Host, random: Random) -> bool:
        self._world.timeline.after(_lasting(random), host.start)
        return host.crash()

    def _doom(self, random: Random) -> None:
        life = self._target(random).life
        if life is not None:
            self._fired(Fault.CRASH_AT_BOUNDARY)
            life.doomed = random.choice(list(Boundary))

    def _pause(self, random: Random) -> None:
        life = self._target(random).life
        if life is not None:
            self._fired(Fault.PAUSE)
            life.pause()
            self._world.timeline.after(_lasting(random), life.resume)

    def _drift(self, random: Random) -> None:
        """Somebody's clock runs at another rate from now on."""
        self._fired(Fault.DRIFT)
        host = self._target(random)
        host.clock.run_at(random.choice((0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0)))
        if host.life is not None:
            host.life.set_alarm()

    def _jump(self, random: Random) -> None:
        """Somebody's clock jumps ahead."""
        self._fired(Fault.JUMP)
        host = self._target(random)
        host.clock.jump(_lasting(random))
        if host.life is not None:
            host.life.set_alarm()

    def _slow_sync(self, random: Random) -> None:
        life = self._target(random).life
        if life is not None:
            self._fired(Fault.SLOW_SYNC)
            life.sync_delay_s = random.uniform(0.05, 1.0)
            self._world.timeline.after(_lasting(random), partial(setattr, life, "sync_delay_s", 0.0))

    def _transfer(self, random: Random) -> None:
        for host in self._hosts:
            if host.life is not None and host.life.replica.leads:
                host.life.transfer(random.choice(self._members()))

    def _decay(self, random: Random) -> None:
        """Somebody goes down, and its disk has lost entries; of no slot is the last readable copy among them."""
        if len(self._hosts) < 3:
            return
        host = random.choice(self._hosts)
        host.crash()
        damaged = {each.slot for other in self._hosts if other is not host for each in other.disk.faulty}
        candidates = [slot for slot in host.disk.readable[-50:] if slot not in damaged]
        lost = random.sample(candidates, min(len(candidates), random.choice((1, 1, 3, 20))))
        for slot in lost:
            host.disk.damage(slot)
        self._fired(Fault.DECAY, len(lost))
        self._world.timeline.after(_lasting(random), host.start)

    # Choices

    def _target(self, random: Random) -> Host:
        """Half the time one that leads, if any does, since most that can go wrong goes wrong there."""
        leading = [host for host in self._hosts if host.life is not None and host.life.replica.leads]
        return random.choice(leading if leading and random.random() < 0.5 else self._hosts)

    def _members(self) -> list[int]:
        return [host.me for host in self._hosts]

    def _links(self) -> list[Link]:
        members = self._members()
        return [(source, target) for source in members for target in members if source != target]
