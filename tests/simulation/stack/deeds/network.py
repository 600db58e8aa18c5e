"""F1, F4 to F8, F38: what strikes links and what goes over them. What lasts of F1 to F3 is in the plan's conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.recorder import Link
from tests.simulation.stack.deeds.scene import Scene, lasting


class NetworkDeeds:
    """`by_fault` holds them all."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._wires = scene.cluster.wires
        self.by_fault: Mapping[Fault, Deed] = {
            Fault.REPLAY: self._replay,
            Fault.PARTITION: self._partition,
            Fault.ASYMMETRIC: self._asymmetric,
            Fault.RING: self._ring,
            Fault.FLICKER: self._flicker,
            Fault.CLOG: self._clog,
        }

    def calm(self) -> None:
        """All links open, nothing lost. Cuts that were to end later end now."""
        self._wires.calm()

    def _replay(self, random: Random) -> None:
        self._wires.frames.replay(random.randint(1, 30))

    def _partition(self, random: Random) -> None:
        """A side with the target on it, at most half of all nodes, and the rest; each client is on one of the sides."""
        scene = self._scene
        others = random.sample(scene.numbers, random.randrange((len(scene.hosts) + 1) // 2))
        everybody = [*scene.numbers, *(client.number for client in scene.cluster.clients)]
        side = {scene.target(random).number, *others}
        side.update(number for number in everybody if number not in scene.numbers and random.random() < 0.5)
        links = ((a, b) for a in everybody for b in everybody if (a in side) != (b in side))
        self._cut(Fault.PARTITION, random, links)

    def _asymmetric(self, random: Random) -> None:
        """Somebody cannot be heard, or cannot hear."""
        mute, end = self._scene.target(random).number, random.randrange(2)
        self._cut(Fault.ASYMMETRIC, random, (link for link in self._scene.links() if link[end] == mute))

    def _ring(self, random: Random) -> None:
        """Every node hears only the neighbours in some order; of three, two do not hear each other."""
        order = self._scene.numbers
        random.shuffle(order)
        near = {frozenset(pair) for pair in pairwise(order)}
        if len(order) > 3:
            near.add(frozenset((order[-1], order[0])))
        self._cut(Fault.RING, random, (link for link in self._scene.links() if frozenset(link) not in near))

    def _cut(self, fault: Fault, random: Random, links: Iterable[Link]) -> None:
        cut = tuple(links)
        if cut:
            self._scene.fired(fault)
            self._wires.cut(cut, lasting(random))

    def _flicker(self, random: Random) -> None:
        """Somebody is badly heard, though its connections are as good as any."""
        flickering = self._scene.target(random).number
        links = [link for link in self._scene.links() if link[0] == flickering]
        self._wires.frames.flicker(links, self._scene.timeline.now + lasting(random))

    def _clog(self, random: Random) -> None:
        links = [link for link in self._scene.links() if random.random() < 0.4]
        if links:
            self._scene.fired(Fault.CLOG)
            self._wires.lines.clog(links, self._scene.timeline.now + lasting(random))

    def garble(self, random: Random) -> None:
        """Some bit of what replicas send next arrives as another one."""
        self._wires.lines.garble(random.randint(1, 3), random)
