"""Taking a snapshot in: pulled chunk by chunk, one under way at a time, checked as a whole, installed at once.

Rule 1: whoever is behind keeps asking (consensus fetches again; a replica without its store wants one), and every
answer is an offer. So a lost message needs no timer: an offer that finds nothing moving has the chunk requested again.
Rule 2: a transfer belongs to the ballot under which it was asked for. When that has passed nothing more is requested;
the next offer goes on where it stopped if it is of the same bytes.
Rule 3: an offer of other bytes is taken only when the transfer under way does not move.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle

from ostraka.clock import Clock
from ostraka_server.logs import fields
from ostraka_server.paxos import ReplicaId
from ostraka_server.shard.group import Group
from ostraka_server.shard.seams import Runner
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, RequestChunk, SnapshotMessage, WantSnapshot
from ostraka_server.store import ConnectionFactory, Image, Owner, StoreError, complete

ASK_INTERVAL_S = 1.0
"""A replica without its store asks this often."""

MESSAGES_MAX = 16
"""Messages that wait; more are dropped: the answer to each is asked for again."""

log = logging.getLogger("ostraka.snapshots")

Delivery = OfferSnapshot | Chunk


@dataclass(slots=True)
class _Transfer:
    """`moved`: whether a chunk came since the last offer."""

    source: ReplicaId
    offer: OfferSnapshot
    image: Image
    received: int = 0
    moved: bool = False


class SnapshotSink:
    """One group's."""

    def __init__(
        self,
        group: Group,
        store: ConnectionFactory,
        owner: Owner,
        runner: Runner,
        clock: Clock,
        send: Callable[[ReplicaId, SnapshotMessage], None],
        install: Callable[[Image, int], Awaitable[bool]],
        has_room: Callable[[int], bool],
    ) -> None:
        """`install`: see `transfer.Installer`. `has_room`: whether the disk has so many bytes to spare."""
        self._group = group
        self._store = store
        self._owner = owner
        self._runner = runner
        self._clock = clock
        self._send = send
        self._install = install
        self._has_room = has_room
        self._too_large: bytes | None = None  # the digest of an offer that there was no room for
        self._inbox: asyncio.Queue[tuple[ReplicaId, Delivery]] = asyncio.Queue(MESSAGES_MAX)
        self._others = cycle(group.replica.others)
        self._transfer: _Transfer | None = None
        self.installed = 0
        self.refused = 0
        self.received_bytes = 0
        """All since the process started."""

    def take(self, sender: ReplicaId, message: Delivery) -> None:
        """Something from another replica."""
        if not self._inbox.full():
            self._inbox.put_nowait((sender, message))

    async def run(self) -> None:
        """Take in for ever."""
        self.ask()
        while True:
            sender, message = await self._inbox.get()
            if isinstance(message, OfferSnapshot):
                await self._on_offer(sender, message)
            else:
                await self._on_chunk(sender, message)

    def ask(self) -> None:
        """While the store is lost: want one of whoever leads, else of the others in turn."""
        if self._group.lost and self._group.replica.others:
            leader = self._group.replica.leader
            to = next(self._others) if leader is None else leader
            self._send(to, WantSnapshot(self._group.replica.ballot, self._group.needs_through))
            self._clock.call_at(self._clock.now() + ASK_INTERVAL_S, self.ask)

    async def _on_offer(self, sender: ReplicaId, offer: OfferSnapshot) -> None:
        transfer = self._transfer
        if self._group.replica.leads or offer.slot < self._group.needs_through or not offer.size:
            return
        if transfer is not None and transfer.moved:
            transfer.moved = False
            return
        if transfer is None or transfer.offer.digest != offer.digest:
            if not self._has_room(offer.size):
                return self._pass_over(offer)
            log.info("snapshot begins", extra=fields(group=self._group.id, slot=offer.slot, size=offer.size))
            await self._discard()
            image = await self._runner.run(self._store.receive)
            transfer = self._transfer = _Transfer(sender, offer, image)
        transfer.source, transfer.offer = sender, offer
        await self._go_on(transfer)

    async def _on_chunk(self, sender: ReplicaId, chunk: Chunk) -> None:
        transfer = self._transfer
        if transfer is None or (chunk.digest, chunk.offset) != (transfer.offer.digest, transfer.received):
            return
        if not chunk.data or transfer.received + len(chunk.data) > transfer.offer.size:
            return
        image, offset = transfer.image, transfer.received
        try:
            await self._runner.run(lambda: image.write(offset, chunk.data))
        except OSError as error:
            self._do_without(str(error))
            return await self._discard()
        transfer.received += len(chunk.data)
        self.received_bytes += len(chunk.data)
        transfer.moved = True
        if transfer.offer.ballot == self._group.replica.ballot:
            await self._go_on(transfer)

    async def _go_on(self, transfer: _Transfer) -> None:
        offer = transfer.offer
        if transfer.received < offer.size:
            self._send(transfer.source, RequestChunk(offer.ballot, offer.digest, transfer.received))
            return
        self._transfer = None
        if await self._complete(transfer) and await self._install(transfer.image, offer.slot):
            self.installed += 1
            log.info("snapshot installed", extra=fields(group=self._group.id, slot=offer.slot))
        else:
            await self._runner.run(transfer.image.remove)

    async def _complete(self, transfer: _Transfer) -> bool:
        """Whether what arrived can be installed."""
        image, digest = transfer.image, transfer.offer.digest
        try:
            if await self._runner.run(lambda: complete(image, digest, self._owner)):
                return True
            self._refuse("its bytes are not those that were offered")
        except StoreError as error:
            self._refuse(str(error))
        except OSError as error:
            self._do_without(str(error))
        return False

    def _refuse(self, why: str) -> None:
        self.refused += 1
        log.warning("snapshot refused", extra=fields(group=self._group.id, why=why))

    def _pass_over(self, offer: OfferSnapshot) -> None:
        """The same is offered again and again: it is told once."""
        if offer.digest != self._too_large:
            self._too_large = offer.digest
            self._do_without(f"its {offer.size} bytes would take of the disk's reserve: give space")

    def _do_without(self, why: str) -> None:
        """For now: whatever is wrong with this disk, the replica still votes."""
        log.warning("snapshot not received", extra=fields(group=self._group.id, why=why))

    async def _discard(self) -> None:
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            await self._runner.run(transfer.image.remove)
