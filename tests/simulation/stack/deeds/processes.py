"""F9 to F13, F24 to F27, F30: what strikes processes, and the clocks they look at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from random import Random

from ostraka_server.shard.handover import transfer
from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.recorder import State
from tests.simulation.stack.deeds.scene import Scene, lasting
from tests.simulation.stack.host import Host
from tests.simulation.stack.process import Process

BOUNDARIES_MAX = 40
"""A doomed process dies at one of so many boundaries to come."""

RARE_BOUNDARIES_MAX = 6
"""The same of those that are seldom reached."""

STROBES = 10


class ProcessDeeds:
    """`by_fault` holds them all."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._trace = scene.cluster.trace
        self.by_fault: Mapping[Fault, Deed] = {
            Fault.CRASH: self._crash,
            Fault.CRASH_ALL: self._crash_all,
            Fault.CRASH_AT_BOUNDARY: self._doom,
            Fault.PAUSE: self._pause,
            Fault.SLOW_NODE: self._slow,
            Fault.JUMP: self._jump,
            Fault.DRIFT: self._drift,
            Fault.STROBE: self._strobe,
            Fault.SUSPEND: self._suspend,
            Fault.TRANSFER: self._transfer,
        }

    def calm(self) -> None:
        """Everybody awake and at full speed, with clocks that go right."""
        for host in self._scene.hosts:
            host.doomed_in = None
            self._set_rate(host, 1.0)
            if host.process is not None:
                self._resume(host, host.process)
                host.process.busy_s = host.busy_s

    def _crash(self, random: Random) -> None:
        host = self._scene.target(random)
        if self._scene.may_end(host):
            self._scene.fired(Fault.CRASH)
            self._scene.down(host, random)

    def _crash_all(self, random: Random) -> None:
        up = [host for host in self._scene.hosts if self._scene.may_end(host)]
        if up:
            self._scene.fired(Fault.CRASH_ALL)
        for host in up:
            self._scene.down(host, random)

    def _doom(self, random: Random) -> None:
        """It counts when the boundary is reached."""
        host = self._scene.target(random)
        if self._scene.may_end(host):
            host.doomed_rarely = random.random() < 0.5
            host.doomed_in = random.randint(1, RARE_BOUNDARIES_MAX if host.doomed_rarely else BOUNDARIES_MAX)
            host.doomed_to_lose_power = self._scene.power_fails

    def _pause(self, random: Random) -> None:
        self._stop_for(Fault.PAUSE, lasting(random), random)

    def _suspend(self, random: Random) -> None:
        """Long enough for others to give up its connections."""
        self._stop_for(Fault.SUSPEND, random.uniform(4.0, 12.0), random)

    def _stop_for(self, fault: Fault, seconds: float, random: Random) -> None:
        host = self._scene.target(random)
        process = host.process
        if process is not None and not process.paused:
            self._scene.fired(fault)
            self._trace.state(host.number, State.PAUSED, True)
            process.pause()
            self._scene.timeline.after(seconds, partial(self._resume, host, process))

    def _resume(self, host: Host, process: Process) -> None:
        if process.paused and process.alive:
            self._trace.state(host.number, State.PAUSED, False)
            process.resume()

    def _slow(self, random: Random) -> None:
        host = self._scene.target(random)
        process = host.process
        if process is not None:
            self._scene.fired(Fault.SLOW_NODE)
            process.busy_s = random.choice((0.001, 0.01, 0.03))
            self._scene.timeline.after(lasting(random), partial(setattr, process, "busy_s", host.busy_s))

    def _jump(self, random: Random) -> None:
        """A clock jumps ahead, and what it calls the time may go anywhere."""
        self._scene.fired(Fault.JUMP)
        host = self._scene.target(random)
        self._leap(host, lasting(random))
        host.wall.put(random.choice((0, 60)) * random.uniform(-1, 1))

    def _drift(self, random: Random) -> None:
        """A clock runs at another rate from now on."""
        self._scene.fired(Fault.DRIFT)
        self._set_rate(self._scene.target(random), random.choice((0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0)))

    def _strobe(self, random: Random) -> None:
        """A clock jumps ahead again and again, and stands nearly still in between."""
        self._scene.fired(Fault.STROBE)
        host, step = self._scene.target(random), random.uniform(0.05, 0.4)
        self._set_rate(host, 0.05)
        for number in range(1, STROBES + 1):
            self._scene.timeline.after(number * step, partial(self._leap, host, step))
        self._scene.timeline.after((STROBES + 1) * step, partial(self._set_rate, host, 1.0))

    def _leap(self, host: Host, seconds: float) -> None:
        host.clock.jump(seconds)
        self._reset(host)

    def _set_rate(self, host: Host, rate: float) -> None:
        host.clock.run_at(rate)
        self._reset(host)

    def _reset(self, host: Host) -> None:
        if host.process is not None and not host.process.paused:
            host.process.clock.ring()

    def _transfer(self, random: Random) -> None:
        """An operator has another node lead."""
        host = self._scene.cluster.leader
        if host is not None and host.process is not None:
            self._scene.fired(Fault.TRANSFER)
            group, clock = host.up.group, host.process.clock
            target = random.choice(sorted(group.members))
            wake = host.up.hosting.driver.wake
            moving = transfer(group, target, clock, clock.now() + 2.0, wake)
            host.process.start(moving).add_done_callback(_forget)


def _forget(task: asyncio.Task[str | None]) -> None:
    """Whether it succeeded is nobody's concern."""
    if not task.cancelled():
        task.exception()
