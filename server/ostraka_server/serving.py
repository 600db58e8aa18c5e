"""The groups of a formed node, open to calls: how they are put together, run, and put away."""

from __future__ import annotations

import asyncio
import logging
from random import Random

from ostraka.clock import Clock, WallClock
from ostraka_server.config import Config
from ostraka_server.hosting import Hosting
from ostraka_server.logs import fields
from ostraka_server.paxos.formation import Announcement
from ostraka_server.shard import failures
from ostraka_server.shard.disk_reserve import DiskReserve
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.handover import hand_over, within
from ostraka_server.shard.layout import SYSTEM_GROUP
from ostraka_server.shard.publishing import publish_first_layout
from ostraka_server.shard.router import Router
from ostraka_server.shard.seams import Transport
from ostraka_server.storage import Storage

STOP_GRACE_S = 5.0
"""How long a stopping node waits for calls under way, and for another to take over what it leads."""

log = logging.getLogger("ostraka.node")


class Serving:
    """Made, `load`ed, `open`ed, `run` for as long as it goes on, then `retire`d if others are to notice nothing, and at
    last `close`d."""

    def __init__(
        self,
        config: Config,
        members: Announcement,
        gateway: Gateway,
        *,
        clock: Clock,
        wall: WallClock,
        random: Random,
        storage: Storage,
        replicas: Transport,
    ) -> None:
        """Raises LogError for what the disk holds."""
        self._gateway = gateway
        self._clock = clock
        needed = config.limits.disk_reserve_bytes + config.log.segment_bytes  # the next segment is reserved at once
        self.reserve = DiskReserve(storage.path, needed, storage.runner("disk"), clock, storage.free_bytes)
        self.hosting = Hosting(config, members, clock, wall, random, replicas, storage, self.reserve.has_room)

    async def load(self) -> None:
        """Have the groups. Raises StoreError for what the disk holds."""
        self._gateway.refusal = failures.loading()
        await self.hosting.open()

    async def open(self) -> None:
        """Let calls in."""
        await self.reserve.check()
        hosting, gateway = self.hosting, self._gateway
        gateway.write_refusal = lambda: self.reserve.refusal
        gateway.open(Router(hosting.groups), hosting.driver.wake)
        publish_first_layout(hosting.groups[SYSTEM_GROUP], hosting.driver.wake)
        for group in hosting.groups.values():
            _log_leaders(group)
        log.info("serving", extra=fields(cluster=f"{hosting.cluster:016x}", groups=len(hosting.groups)))

    async def run(self) -> None:
        """Serve until cancelled. Any exception means that the node must not go on."""
        checking = asyncio.create_task(self.reserve.run())
        try:
            await self.hosting.run()
        finally:
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)
            self.reserve.close()

    async def retire(self) -> None:
        """While running: take nothing new, answer what is under way, let others lead."""
        log.info("stopping")
        deadline = self._clock.now() + STOP_GRACE_S
        await within(self._clock, deadline, self._gateway.close())
        for group in self.hosting.groups.values():
            await within(self._clock, deadline, hand_over(group, self._clock, self.hosting.driver.wake))

    async def close(self) -> None:
        """After `run` was cancelled: put everything away."""
        await self.hosting.close()


def _log_leaders(group: Group) -> None:
    """From now on, whenever another leader is known here."""
    logged: str | None = None

    def changed() -> None:
        nonlocal logged
        if group.leader_node != logged:
            logged = group.leader_node
            log.info("leader", extra=fields(group=group.id, node=logged, round=group.replica.ballot.round))

    group.listeners.append(changed)
