"""F35, F36, F38: what clients do to a cluster, and what befalls them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from ostraka._transport import TransportError
from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.stack.cluster import SimulatedClient
from tests.simulation.stack.deeds.scene import Scene
from tests.simulation.stack.load import Load


class ClientDeeds:
    """`by_fault` holds them all."""

    def __init__(self, scene: Scene, load: Load) -> None:
        self._scene = scene
        self._load = load
        self.by_fault: Mapping[Fault, Deed] = {
            Fault.CLIENT_CRASH: self._crash,
            Fault.OVERLOAD: self._overload,
        }

    def _alive(self) -> list[SimulatedClient]:
        return [client for client in self._scene.cluster.clients if client.process.alive]

    def _crash(self, random: Random) -> None:
        """A client process dies with all that it had asked for; another one takes its place."""
        client = random.choice(self._alive())
        self._scene.fired(Fault.CLIENT_CRASH)
        client.process.kill()
        self._scene.cluster.wires.break_connections(client.process)
        self._load.hire(random)

    def _overload(self, random: Random) -> None:
        """More at once than a node likes, all of it persistent."""
        self._scene.fired(Fault.OVERLOAD)
        self._load.burst(random.choice(self._alive()), random.choice((50, 200)), random)

    def send_junk(self, random: Random) -> None:
        """What is no frame, on a stream of its own."""
        client = random.choice(self._alive())
        client.process.start(self._send_junk(client, random))

    async def _send_junk(self, client: SimulatedClient, random: Random) -> None:
        address = random.choice(self._scene.hosts).address
        try:
            stream = await client.wire.open(address)
            await stream.send(random.randbytes(random.randint(1, 64)))
            await stream.receive()
        except TransportError:
            self._scene.fired(Fault.MALFORMED)
