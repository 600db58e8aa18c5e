"""Handing out snapshots of one group: one file, shared by all who need it, gone when nobody asks for it any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ostraka.clock import Clock
from ostraka_server.logs import fields
from ostraka_server.paxos import Ballot, ReplicaId
from ostraka_server.shard.group import Group
from ostraka_server.shard.seams import Runner
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage, WantSnapshot
from ostraka_server.store import ConnectionFactory, DamagedStore, Snapshot, StoreError, take

CHUNK_BYTES = 256 << 10
"""Of one message, and of one read: short enough to keep nothing else waiting."""

KEPT_S = 5.0
"""A snapshot that nobody asked for during so long is removed. Until then the log keeps what follows on it."""

ORDERS_MAX = 64
"""Requests that wait; more are dropped, and made again by whoever made them."""

log = logging.getLogger("ostraka.snapshots")

Order = WantSnapshot | RequestChunk


class SnapshotSource:
    """Answers one request after the other; the disk is read in a thread."""

    def __init__(
        self,
        group: Group,
        store: ConnectionFactory,
        runner: Runner,
        clock: Clock,
        send: Callable[[ReplicaId, SnapshotMessage], None],
        has_room: Callable[[int], bool],
    ) -> None:
        """`has_room`: whether the disk has so many bytes to spare."""
        self._group = group
        self._store = store
        self._runner = runner
        self._clock = clock
        self._send = send
        self._has_room = has_room
        self._orders: asyncio.Queue[tuple[ReplicaId, Order] | None] = asyncio.Queue(ORDERS_MAX)
        self._snapshot: Snapshot | None = None
        self._is_making = False
        self._used_at = 0.0
        self.taken = 0
        self.sent_bytes = 0
        """Both since the process started."""

    @property
    def needed_from(self) -> int | None:
        """The slot whose successors whoever takes the snapshot will need. While it is made, all that the log holds:
        else the log might have let go of what follows on it by then, and one after the other would be of no use."""
        if self._is_making:
            return self._group.base
        return None if self._snapshot is None else self._snapshot.slot

    def offer(self, to: ReplicaId, ballot: Ballot) -> None:
        """`to` asked for entries that the log does not hold any more."""
        self.take(to, WantSnapshot(ballot, self._group.base))

    def take(self, sender: ReplicaId, order: Order) -> None:
        """A request of another replica."""
        if not self._orders.full():
            self._orders.put_nowait((sender, order))

    async def run(self) -> None:
        """Answer for ever."""
        while True:
            received = await self._orders.get()
            if received is None:
                await self._remove_unused()
            else:
                sender, order = received
                if isinstance(order, WantSnapshot):
                    await self._offer(sender, order)
                else:
                    await self._send_chunk(sender, order)

    async def _offer(self, to: ReplicaId, want: WantSnapshot) -> None:
        if self._group.lost:
            return
        if self._snapshot is None or self._snapshot.slot < want.slot:
            await self._renew()
        snapshot = self._snapshot
        if snapshot is not None and snapshot.slot >= want.slot:
            self._use()
            self._send(to, OfferSnapshot(want.ballot, snapshot.slot, snapshot.image.size, snapshot.digest))

    async def _renew(self) -> None:
        await self._remove()
        size = self._store.size
        if not self._has_room(size):
            return self._do_without(f"its {size} bytes would take of the disk's reserve: give space")
        self._is_making = True
        try:
            self._snapshot = await self._runner.run(lambda: take(self._store))
        except DamagedStore as damage:
            self._group.damaged(damage)
        except (StoreError, OSError) as error:
            self._do_without(str(error))
        else:
            self.taken += 1
            log.info("snapshot taken", extra=fields(group=self._group.id, slot=self._snapshot.slot))
        finally:
            self._is_making = False

    def _do_without(self, why: str) -> None:
        """This replica needs none, and whoever does asks again."""
        log.warning("no snapshot", extra=fields(group=self._group.id, why=why))

    async def _send_chunk(self, to: ReplicaId, request: RequestChunk) -> None:
        snapshot = self._snapshot
        if snapshot is not None and snapshot.digest == request.digest and request.offset < snapshot.image.size:
            self._use()
            try:
                data = await self._runner.run(lambda: snapshot.image.read(request.offset, CHUNK_BYTES))
            except OSError as error:
                self._do_without(str(error))
                return await self._remove()
            self._send(to, Chunk(request.ballot, request.digest, request.offset, data))
            self.sent_bytes += len(data)

    def _use(self) -> None:
        self._used_at = self._clock.now()
        self._clock.call_at(self._used_at + KEPT_S, self._look_again)

    def _look_again(self) -> None:
        if not self._orders.full():
            self._orders.put_nowait(None)

    async def _remove_unused(self) -> None:
        if self._clock.now() >= self._used_at + KEPT_S:
            await self._remove()

    async def _remove(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            await self._runner.run(snapshot.image.remove)
