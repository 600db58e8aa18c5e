"""A replica's machine: its disk, its clock, and one life after another."""

from __future__ import annotations

from random import Random

from ostraka_server.paxos.messages import Message
from tests.simulation.clock import Clock
from tests.simulation.faults import Fault
from tests.simulation.protocol.disk import Disk
from tests.simulation.protocol.driver import Life
from tests.simulation.protocol.world import World
from tests.simulation.recorder import State


class Host:
    """Starts up; every later life begins from what the disk kept."""

    def __init__(self, me: int, world: World) -> None:
        self.me = me
        self.disk = Disk(world.watch.durable(me))
        self.clock = Clock(world.timeline)
        self._world = world
        self._random = world.plan.random(f"host {me}")
        self._lives = 0
        self.life: Life | None = None
        self.start()

    def start(self) -> None:
        """Start, unless up: as a new incarnation with randomness of its own."""
        if self.life is None:
            self._lives += 1
            self._world.watch.trace.note(f"{self.me} starts, life {self._lives}")
            self._world.watch.trace.state(self.me, State.DOWN, False)
            self.life = Life(self.me, self._world, self.disk, self.clock, Random(self._random.random()), self._die)

    def crash(self) -> bool:
        """Stop at once, and with it lose everything in memory. Returns whether it was up."""
        if self.life is None:
            return False
        self.life.over = True
        self.life = None
        lost = self.disk.crash(self._world.plan.crash_loss, self._random)
        trace = self._world.watch.trace
        trace.note(f"{self.me} crashes, {lost} records lost")
        trace.state(self.me, State.DOWN, True)
        if lost:
            trace.count(Fault.POWER_LOSS)
        return True

    def receive(self, sender: int, message: Message) -> None:
        """A message arrives; nobody hears it while down."""
        if self.life is not None:
            self.life.receive(sender, message)

    def _die(self) -> None:
        self.crash()
        self._world.timeline.after(self._random.uniform(0.05, 3.0), self.start)
