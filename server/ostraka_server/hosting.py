"""The replicas of a formed cluster on one node: log, stores and machines opened, recovered and put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from ostraka.clock import Clock, WallClock
from ostraka_server.config import Config
from ostraka_server.log import AcceptorLog, LogConfig, RecoveredGroup
from ostraka_server.logs import fields
from ostraka_server.machine import EMPTY_STATE, Machine, MachineState
from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, Faulty, PaxosConfig, Replica
from ostraka_server.paxos.formation import Announcement, members_of
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.compaction import Compactor
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.layout import FIRST_GROUP, FIRST_SHARD, SYSTEM_GROUP, SYSTEM_SHARD
from ostraka_server.shard.reclaimer import Reclaimer
from ostraka_server.shard.retention import Retention
from ostraka_server.shard.seams import Transport
from ostraka_server.shard.snapshot_sink import SnapshotSink
from ostraka_server.shard.snapshot_source import SnapshotSource
from ostraka_server.shard.transfer import Installer, Transfer
from ostraka_server.storage import Storage
from ostraka_server.store import ConnectionFactory, DamagedStore, Owner, Store

SHARDS: Mapping[int, int] = {SYSTEM_GROUP: SYSTEM_SHARD, FIRST_GROUP: FIRST_SHARD}
"""The groups of a cluster and the shards that they serve."""

EPOCH = 1

log = logging.getLogger("ostraka.hosting")

_NOTHING = RecoveredGroup(promised=NO_BALLOT, decided_through=0, base=0, entries=[])


class Hosting:
    """Everything of a node that lives between its start and its stop. `open` comes first."""

    def __init__(
        self,
        config: Config,
        members: Announcement,
        clock: Clock,
        wall: WallClock,
        random: Random,
        transport: Transport,
        storage: Storage,
        has_room: Callable[[int], bool],
    ) -> None:
        """`has_room`: whether the disk has so many bytes to spare for a snapshot."""
        self._config = config
        self._members = members
        self._clock = clock
        self._wall = wall
        self._random = random
        self._storage = storage
        self._has_room = has_room
        self._log_runner = self._storage.runner("log")
        self._store_runner = self._storage.runner("store")
        self._snapshot_runner = self._storage.runner("snapshot")
        self.cluster = cluster_id(members.members)
        self.log = open_log(config, self.cluster, storage, must_exist=True)
        self.driver = Driver(log=self.log, log_runner=self._log_runner, transport=transport, clock=clock)
        self.stores: dict[int, Store] = {}
        self.flushers: dict[int, Flusher] = {}
        self.reclaimers: dict[int, Reclaimer] = {}
        self.sources: dict[int, SnapshotSource] = {}
        self.sinks: dict[int, SnapshotSink] = {}
        self._compactors: list[Compactor] = []

    @property
    def groups(self) -> Mapping[int, Group]:
        """By number."""
        return self.driver.groups

    async def open(self) -> None:
        """Open every group's replica. Raises StoreError.

        Before, each store is read whole and checked, beside the loop: for many rows that takes seconds."""
        for number, shard in SHARDS.items():
            factory = self._storage.store(number)
            damaged = await self._snapshot_runner.run(partial(self._set_aside_if_damaged, number, factory))
            self._open(number, shard, factory)
            self.groups[number].stats.damaged_stores += damaged

    async def run(self) -> None:
        """Serve until cancelled. Any exception means that the node must not go on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.driver.run())
            for compactor in self._compactors:
                tasks.create_task(compactor.run())
            for number in self.groups:
                beside = self.flushers[number], self.reclaimers[number], self.sources[number], self.sinks[number]
                for each in beside:
                    tasks.create_task(each.run())

    async def close(self) -> None:
        """After `run` has ended: checkpoint what was applied, and let go of the files."""
        for flusher in self.flushers.values():
            await flusher.flush()
        await self._log_runner.run(self.log.close)
        self._log_runner.close()
        self._store_runner.close()
        self._snapshot_runner.close()
        for store in self.stores.values():
            store.close()

    def _set_aside_if_damaged(self, number: int, factory: ConnectionFactory) -> bool:
        """Whether it was: there is none any more then. The next is filled again from the log, or lost if that is
        truncated."""
        factory.clean()
        try:
            Store.open(factory, self._owner(number)).close()
        except DamagedStore as damage:
            log.error("store set aside", extra=fields(group=number, why=str(damage)))
            factory.set_aside()
            return True
        return False

    def _open(self, number: int, shard: int, factory: ConnectionFactory) -> None:
        """Open a group's replica with all that belongs to it, and have the driver turn it."""
        store, machine = self._open_store(number, factory)
        group = self._group(number, shard, store, machine)
        truncate, clock = self.driver.truncate, self._clock
        tell = partial(self.driver.tell, group)
        has_room, beside = self._has_room, self._snapshot_runner
        source = SnapshotSource(group, factory, beside, clock, tell, has_room)
        retention = Retention(
            number,
            self.log,
            entries_max=self._config.log.retain_entries,
            bytes_max=self._config.log.retain_bytes,
            needed_from=lambda: source.needed_from,
            truncate=truncate,
        )
        flusher = self._flusher(group, store, retention)
        reopen = partial(self._open_store, number, factory)
        installer = Installer(group, flusher, store, factory, reopen, self.driver.truncated, self._store_runner, clock)
        owner = self._owner(number)
        sink = SnapshotSink(group, factory, owner, beside, clock, tell, installer.install, has_room)
        group.on_damage = sink.ask
        group.reads.tell = tell
        self.driver.add(group, flusher, Transfer(source, sink))
        if number != SYSTEM_GROUP:  # which hardly ever changes
            self._compactors.append(Compactor(group, self._config.history, clock, self._wall, self.driver.wake))
        self.flushers[number], self.sources[number], self.sinks[number] = flusher, source, sink
        self.reclaimers[number] = Reclaimer(group, flusher, self._store_runner, clock)

    def _open_store(self, number: int, factory: ConnectionFactory) -> tuple[Store, Machine]:
        """It was checked before, at the start or where it was copied."""
        store = self.stores[number] = Store.open(factory, self._owner(number), verified=True)
        stored = store.state()
        state = EMPTY_STATE if stored is None else MachineState(*stored)
        return store, Machine(store, state, cache_bytes_max=self._config.store.cache_bytes)

    def _owner(self, number: int) -> Owner:
        return Owner(f"{self.cluster:016x}", self._config.node, number)

    def _group(self, number: int, shard: int, store: Store, machine: Machine) -> Group:
        config = self._config
        durable = self._recover(number, store, machine.applied_slot)
        members = dict(members_of(self._members.members, number))
        return Group(
            group=number,
            shard=shard,
            replica=Replica(
                replica=dict(self._members.identity.replicas)[number],
                epoch=EPOCH,
                members=members,
                config=paxos_config(config),
                random=self._random,
                durable=durable,
                now=self._clock.now(),
            ),
            members=members,
            machine=machine,
            answers=Answers(
                cluster=self.cluster,
                shard=shard,
                node=config.node,
                range_bytes_max=config.limits.range_response_bytes_max,
            ),
            now=self._clock.now,
            first_nonce=self._random.getrandbits(62),
            wall=self._wall,
            bite_rows=config.limits.bite_rows,
            unflushed_max=config.store.unflushed_entries_max,
            base=self.log.base(number),
        )

    def _flusher(self, group: Group, store: Store, retention: Retention) -> Flusher:
        config = self._config.store
        return Flusher(
            group,
            store,
            self._store_runner,
            self._clock,
            config.flush_interval_ms / 1000,
            config.unflushed_entries_max // 2,
            retention,
        )

    def _recover(self, number: int, store: Store, applied_slot: int) -> Durable:
        """What the replica starts from. What is known decided but not in the store is applied from the log later."""
        self.log.truncate(number, store.installed_slot())  # which a crash may have come before (see `transfer`)
        recovered, base = self.log.recovered.get(number, _NOTHING), self.log.base(number)
        if applied_slot >= base and (lacks := self.log.lacks(number, applied_slot)) > base:
            # The store has what the log has no more: an entry has become unreadable.
            durable = store.checkpoint()
            assert durable == applied_slot, "nobody reads yet"
            self.log.truncate(number, lacks)
        had = max(applied_slot, self.log.base(number))
        decided_through = max(recovered.decided_through, had)
        faulty = tuple(Faulty(each.slot, Ballot(*each.ballot)) for each in recovered.faulty if each.slot > had)
        if faulty:  # what was decided for it has to be fetched, and only then what follows can be applied
            decided_through = min(decided_through, faulty[0].slot - 1)
        entries = tuple(Entry(e.slot, Ballot(*e.ballot), e.payload) for e in self.log.above(number, decided_through))
        return Durable(Ballot(*recovered.promised), decided_through, entries, faulty)


def open_log(config: Config, cluster: int, storage: Storage, *, must_exist: bool) -> AcceptorLog:
    """The node's acceptor log. It is created before the formation is recorded as started, and exists from then on."""
    return AcceptorLog.open(
        storage.log(),
        f"{cluster:016x}/{config.node}".encode(),
        LogConfig(segment_bytes=config.log.segment_bytes),
        must_exist=must_exist,
    )


def paxos_config(config: Config) -> PaxosConfig:
    """The consensus settings, in the units of `paxos/`."""
    return PaxosConfig(
        heartbeat_s=config.paxos.heartbeat_ms / 1000,
        election_timeout_s=config.paxos.election_timeout_ms / 1000,
        window_entries=config.paxos.window_entries,
        window_bytes=config.paxos.window_bytes,
    )
