"""All deeds of the whole-cluster tier, and the end of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random

from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.stack.deeds.clients import ClientDeeds
from tests.simulation.stack.deeds.disks import DiskDeeds
from tests.simulation.stack.deeds.network import NetworkDeeds
from tests.simulation.stack.deeds.processes import ProcessDeeds
from tests.simulation.stack.deeds.scene import Scene
from tests.simulation.stack.load import Load


class Deeds:
    """`by_fault` holds them all. What they begin ends by itself in time, or at once with `calm`."""

    def __init__(self, scene: Scene, load: Load) -> None:
        self._scene = scene
        self._network, self._processes = NetworkDeeds(scene), ProcessDeeds(scene)
        self._disks, self._clients = DiskDeeds(scene), ClientDeeds(scene, load)
        self.by_fault: Mapping[Fault, Deed] = {
            **self._network.by_fault,
            **self._processes.by_fault,
            **self._disks.by_fault,
            **self._clients.by_fault,
            Fault.MALFORMED: self._malformed,
        }
        for host in scene.hosts:
            host.on_end = partial(scene.ended, host)
            host.on_serve = partial(scene.served, host)

    def calm(self) -> None:
        """Every fault off. Who is down is started, unless its disk is lost."""
        self._network.calm()
        self._disks.calm()
        self._processes.calm()
        for host in self._scene.hosts:
            self._scene.start(host)

    def _malformed(self, random: Random) -> None:
        """What a node sends arrives otherwise, or a client sends what is no frame."""
        if random.random() < 0.5:
            self._network.garble(random)
        else:
            self._clients.send_junk(random)
