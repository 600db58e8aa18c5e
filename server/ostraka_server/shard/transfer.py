"""A group's snapshots on this node: handed out, taken in, installed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ostraka.clock import Clock
from ostraka_server.machine import Machine
from ostraka_server.paxos import Ballot, ReplicaId
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.seams import Runner
from ostraka_server.shard.snapshot_sink import SnapshotSink
from ostraka_server.shard.snapshot_source import SnapshotSource
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot, SnapshotMessage
from ostraka_server.store import ConnectionFactory, Image, Store


class Transfers(Protocol):
    """What the driver knows of them."""

    def take(self, sender: ReplicaId, message: SnapshotMessage) -> None:
        """A message of another replica."""

    def offer(self, to: ReplicaId, ballot: Ballot) -> None:
        """`to` asked for entries that the log does not hold any more."""


class Transfer:
    """See `Transfers`."""

    def __init__(self, source: SnapshotSource, sink: SnapshotSink) -> None:
        self._source = source
        self._sink = sink

    def take(self, sender: ReplicaId, message: SnapshotMessage) -> None:
        if isinstance(message, OfferSnapshot | Chunk):
            self._sink.take(sender, message)
        else:
            self._source.take(sender, message)

    def offer(self, to: ReplicaId, ballot: Ballot) -> None:
        self._source.offer(to, ballot)


class Installer:
    """Puts a received image in the place of a group's store and machine.

    The log lets go of what the image covers only then: what was accepted there must not be lost to a crash that leaves
    the old store. But it lets go before consensus hears of the image: some of it may not have been chosen, and below
    what is known decided nothing tells that. After a crash in between the next start makes up for it: a store knows
    which snapshot it began as.
    """

    def __init__(
        self,
        group: Group,
        flusher: Flusher,
        store: Store,
        factory: ConnectionFactory,
        open_store: Callable[[], tuple[Store, Machine]],
        truncated: Callable[[int, int], Awaitable[None]],
        runner: Runner,
        clock: Clock,
    ) -> None:
        self._group = group
        self._flusher = flusher
        self._store = store
        self._factory = factory
        self._open_store = open_store
        self._truncated = truncated
        self._runner = runner
        self._clock = clock

    async def install(self, image: Image, slot: int) -> bool:
        """Go on with the state after `slot`, unless by now the replica needs a later one, or leads: False then.

        Nothing is applied, flushed or read meanwhile; the rest of the node goes on."""
        async with self._flusher.idle():
            if self._group.replica.leads or slot < self._group.needs_through:
                return False
            self._group.lose()
            self._store.close_reader()
            await self._runner.run(lambda: self._replace(image))
            await self._truncated(self._group.id, slot)
            self._store, machine = self._open_store()
            self._flusher.store = self._store
            self._group.install(machine, self._clock.now())
            return True

    def _replace(self, image: Image) -> None:
        self._store.close_writer()
        self._factory.replace(image)
