"""F14 to F23, F31: what strikes disks. Each spares what the budget says; who refuses to run on what is left gets its
disk as it was before, as an operator with a good copy would do."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from ostraka_server.hosting import SHARDS
from ostraka_server.log.layout import SECTOR
from ostraka_server.log.memory import LOST
from tests.simulation.faults import Fault
from tests.simulation.nemesis import Deed
from tests.simulation.stack.deeds.scene import Scene, lasting
from tests.simulation.stack.disk import PLENTY, Disk
from tests.simulation.stack.host import Host
from tests.simulation.stack.storage import PowerFails

STEPS_MAX = 20
"""An error comes at one of so many steps of the log's to come."""


class DiskDeeds:
    """`by_fault` holds them all."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._backups: dict[str, tuple[int, Disk]] = {}  # by node: the log's sequence, and all of it
        self.by_fault: Mapping[Fault, Deed] = {
            Fault.DECAY: self._decay,
            Fault.TRUNCATION: self._truncate,
            Fault.STRAY_WRITE: self._stray,
            Fault.STORE_DECAY: self._decay_store,
            Fault.TORN_WRITE: self._tear,
            Fault.IO_ERROR: self._io_error,
            Fault.DISK_FULL: self._fill,
            Fault.SLOW_SYNC: self._slow,
            Fault.WIPED_DISK: self._wipe,
            Fault.STALE_DISK: self._put_back,
            Fault.LOST_STORE: self._lose_store,
        }

    def calm(self) -> None:
        """Disks work again, and are fast. What is damaged stays so."""
        for host in self._scene.hosts:
            host.disk.slowness.clear()
            host.disk.fill(PLENTY)
            host.disk.log.heal()

    def _decay(self, random: Random) -> None:
        """Somebody goes down, and some bytes of its log come back otherwise."""
        host = self._damage(random)
        if host is not None:
            sectors = host.disk.written()
            lost = random.sample(sectors, min(len(sectors), random.choice((1, 1, 2, 5))))
            for name, offset in lost:
                host.disk.log.open(name).flip(offset + random.randrange(SECTOR), 1 << random.randrange(8))
            self._scene.fired(Fault.DECAY, len(lost))

    def _truncate(self, random: Random) -> None:
        """Somebody goes down, and a file of its log ends too early."""
        host = self._damage(random)
        if host is not None:
            name = random.choice(host.disk.log.list())
            file = host.disk.log.open(name)
            file.cut(random.randrange(len(file.read(0, 1 << 30))))
            self._scene.fired(Fault.TRUNCATION)

    def _stray(self, random: Random) -> None:
        """One of the next writes of a log goes elsewhere, or nowhere; the node dies soon after."""
        host = self._scene.target(random)
        if self._scene.may_damage(host):
            self._scene.damaged = host
            host.watch.may_forget(host.name)
            self._scene.fired(Fault.STRAY_WRITE)
            by = random.choice((LOST, SECTOR, -SECTOR, 64 * SECTOR))
            host.disk.log.stray(random.randint(1, 6), by)

    def _io_error(self, random: Random) -> None:
        host = self._scene.target(random)
        if self._scene.may_end(host):
            self._scene.fired(Fault.IO_ERROR)
            host.disk.log.fail(random.randint(1, STEPS_MAX), OSError("I/O error"))

    def _tear(self, random: Random) -> None:
        """The power fails in the middle of some change of the log: of what is not synced any sectors remain. It counts
        when it does."""
        host = self._scene.target(random)
        if self._scene.may_end(host):
            host.disk.log.fail(random.randint(1, STEPS_MAX), PowerFails())

    def _fill(self, random: Random) -> None:
        """A disk fills up, to below the reserve or to the last byte."""
        host = self._scene.target(random)
        if self._scene.may_end(host):
            self._scene.fired(Fault.DISK_FULL)
            host.disk.fill(random.choice((0, 1 << 20)))
            self._scene.timeline.after(lasting(random), lambda: host.disk.fill(PLENTY))

    def _slow(self, random: Random) -> None:
        disk = self._scene.target(random).disk
        self._scene.fired(Fault.SLOW_SYNC)
        name = random.choice(("log", "store", "snapshot"))
        disk.slowness[name] = random.uniform(50, 1000)
        self._scene.timeline.after(lasting(random), lambda: disk.slowness.update({name: 1.0}))

    def _lose_store(self, random: Random) -> None:
        """Somebody goes down and loses a store: where the log is cut short, a snapshot has to replace it."""
        host = self._damage(random)
        if host is not None:
            self._scene.fired(Fault.LOST_STORE)
            host.lose_store(random.choice(sorted(SHARDS)))

    def _decay_store(self, random: Random) -> None:
        """Somebody goes down, and some bytes of a store come back otherwise."""
        host = self._damage(random)
        if host is not None:
            group = random.choice(sorted(SHARDS))
            host.watch.store_struck(host.name, group)
            flips = host.disk.decay_store(group, random.choice((1, 1, 3)), random)
            self._scene.fired(Fault.STORE_DECAY, flips)

    def _wipe(self, random: Random) -> None:
        """Somebody comes back with an empty disk, or with nothing but its old identity."""
        host = self._damage(random)
        if host is not None:
            self._scene.fired(Fault.WIPED_DISK)
            kept = host.disk.record if random.random() < 0.5 else None
            host.disk = Disk()
            host.disk.record = kept
            host.watch.distrust(host.name, wiped=True)

    def _put_back(self, random: Random) -> None:
        """Somebody comes back with an old copy of its disk, if there is one, and enough others know of a newer."""
        host = self._scene.target(random)
        if not host.serves:
            return
        sequence = host.up.hosting.log.sequence
        before, backup = self._backups.setdefault(host.name, (sequence, host.disk.copy()))
        if before < sequence and self._known_beyond(host, before) and self._scene.may_damage(host):
            self._scene.down(host, random)
            self._scene.damages(host)
            del self._backups[host.name]
            self._scene.fired(Fault.STALE_DISK)
            host.disk = backup
            host.watch.distrust(host.name)

    def _known_beyond(self, host: Host, sequence: int) -> bool:
        """Whether every quorum that the host may be part of has somebody who is up and saw its log further."""
        others = [other for other in self._scene.hosts if other is not host]
        unaware = [other for other in others if not other.serves or other.has_seen(host.name) <= sequence]
        return len(unaware) + 1 < len(self._scene.hosts) // 2 + 1

    def _damage(self, random: Random) -> Host | None:
        """Somebody that the budget allows to be damaged, down; it comes up again by itself."""
        host = self._scene.target(random)
        if not self._scene.may_damage(host):
            return None
        self._scene.down(host, random)
        self._scene.damages(host)
        return host
