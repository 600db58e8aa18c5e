"""The replicas of a formed cluster on one node: log, stores and machines opened, recovered and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Protocol

from ostraka.clock import Clock
from ostraka_server.config import Config
from ostraka_server.log import AcceptorLog, LogConfig, RecoveredGroup
from ostraka_server.log.files import Directory
from ostraka_server.log.posix import PosixDirectory
from ostraka_server.machine import EMPTY_STATE, Machine, MachineState
from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, PaxosConfig, Replica
from ostraka_server.paxos.formation import Announcement, members_of
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.layout import FIRST_GROUP, FIRST_SHARD, SYSTEM_GROUP, SYSTEM_SHARD
from ostraka_server.shard.seams import Runner, ThreadRunner, Transport
from ostraka_server.store import ConnectionFactory, FileFactory, Owner, Store

SHARDS: Mapping[int, int] = {SYSTEM_GROUP: SYSTEM_SHARD, FIRST_GROUP: FIRST_SHARD}
"""The groups of a cluster and the shards that they serve."""

EPOCH = 1

_NOTHING = RecoveredGroup(promised=NO_BALLOT, decided_through=0, base=0, entries=[])


class Storage(Protocol):
    """Where a node's replicas keep what survives, and what does the blocking work. The simulator has its own."""

    def log(self) -> Directory:
        """The acceptor log's directory."""

    def store(self, group: int) -> ConnectionFactory:
        """Of a group's store."""

    def runner(self, name: str) -> Runner:
        """A new one, for one kind of work."""


class FileStorage:
    """Files in a node's data directory, a thread for each kind of work."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def log(self) -> Directory:
        return PosixDirectory(self._data_dir / "log")

    def store(self, group: int) -> ConnectionFactory:
        return FileFactory(self._data_dir / f"group-{group}.db")

    def runner(self, name: str) -> Runner:
        return ThreadRunner(name)


class Hosting:
    """Everything of a node that lives between its start and its stop. `storage`: by default the files in data_dir."""

    def __init__(
        self,
        config: Config,
        members: Announcement,
        clock: Clock,
        random: Random,
        transport: Transport,
        storage: Storage | None = None,
    ) -> None:
        self._config = config
        self._members = members
        self._clock = clock
        self._random = random
        self._storage = storage or FileStorage(config.data_dir)
        self._log_runner = self._storage.runner("log")
        self._store_runner = self._storage.runner("store")
        self.cluster = cluster_id(members.members)
        self.log = open_log(config, self.cluster, must_exist=True, storage=self._storage)
        self.driver = Driver(log=self.log, log_runner=self._log_runner, transport=transport, clock=clock)
        self.stores: dict[int, Store] = {}
        self._flushers = [self._open(group, shard) for group, shard in SHARDS.items()]

    @property
    def groups(self) -> Mapping[int, Group]:
        """By number."""
        return self.driver.groups

    async def run(self) -> None:
        """Serve until cancelled. Any exception means that the node must not go on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.driver.run())
            for flusher in self._flushers:
                tasks.create_task(flusher.run())

    async def close(self) -> None:
        """After `run` has ended: checkpoint what was applied, and let go of the files."""
        for flusher in self._flushers:
            await flusher.flush()
        await self._log_runner.run(self.log.close)
        self._log_runner.close()
        self._store_runner.close()
        for store in self.stores.values():
            store.close()

    def _open(self, number: int, shard: int) -> Flusher:
        config = self._config
        store = self.stores[number] = Store.open(
            self._storage.store(number), Owner(f"{self.cluster:016x}", config.node, number)
        )
        stored = store.state()
        state = EMPTY_STATE if stored is None else MachineState(*stored)
        durable, unapplied = self._recover(number, state.applied_slot)
        members = dict(members_of(self._members.members, number))
        group = Group(
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
            machine=Machine(store, state, cache_bytes_max=config.store.cache_bytes),
            answers=Answers(
                cluster=self.cluster,
                shard=shard,
                node=config.node,
                range_bytes_max=config.limits.range_response_bytes_max,
            ),
            unflushed_max=config.store.unflushed_entries_max,
            recovered=unapplied,
        )
        flusher = Flusher(
            group,
            store,
            self._store_runner,
            self._clock,
            config.store.flush_interval_ms / 1000,
            config.store.unflushed_entries_max // 2,
        )
        self.driver.add(group, flusher)
        flusher.notice()
        return flusher

    def _recover(self, number: int, applied_slot: int) -> tuple[Durable, list[Entry]]:
        """What the replica starts from, and what is known decided but not in the store."""
        recovered = self.log.recovered.get(number, _NOTHING)
        decided_through = max(recovered.decided_through, applied_slot)
        unapplied: list[Entry] = []
        while (first := applied_slot + 1 + len(unapplied)) <= decided_through:
            logged = self.log.read(number, first, decided_through, 64 << 20)
            assert logged, f"group {number}, slot {first}: known decided, but not in the log"
            unapplied.extend(Entry(each.slot, Ballot(*each.ballot), each.payload) for each in logged)
        entries = tuple(
            Entry(each.slot, Ballot(*each.ballot), each.payload)
            for each in recovered.entries
            if each.slot > decided_through
        )
        return Durable(Ballot(*recovered.promised), decided_through, entries), unapplied


def open_log(config: Config, cluster: int, *, must_exist: bool, storage: Storage | None = None) -> AcceptorLog:
    """The node's acceptor log. It is created before the formation is recorded as started, and exists from then on."""
    return AcceptorLog.open(
        (storage or FileStorage(config.data_dir)).log(),
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
