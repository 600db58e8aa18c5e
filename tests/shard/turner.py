"""A driver of one group, running over fakes that write down what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from ostraka_server.paxos import Ballot, Entry
from ostraka_server.paxos import messages as m
from ostraka_server.shard import codec
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.snapshots import SnapshotMessage
from tests.client.virtual_time import VirtualClock, turns
from tests.machine.bases import DictBase
from tests.shard.asking import Asked
from tests.shard.script import new_group

T = TypeVar("T")

LEADER = Ballot(1, 5, 2)
"""Of replica 2, on n2."""


class RecordingLog:
    """Notes every call; `flush` fails on demand."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.entries: dict[int, Entry] = {}
        self.failure: Exception | None = None
        self.reads: list[tuple[int, int, int]] = []

    def promise(self, group: int, ballot: tuple[int, int, int]) -> None:
        self._done.append("promise")

    def accept(self, group: int, slot: int, ballot: tuple[int, int, int], payload: bytes) -> None:
        self._done.append(f"accept {slot}")
        self.entries[slot] = Entry(slot, Ballot(*ballot), payload)

    def decided(self, group: int, through: int) -> None:
        self._done.append(f"decided {through}")

    def flush(self) -> None:
        self._done.append("flush")
        if self.failure is not None:
            raise self.failure

    def read(self, group: int, first: int, through: int, max_bytes: int) -> Sequence[Entry]:
        self.reads.append((first, through, max_bytes))
        return [self.entries[slot] for slot in range(first, through + 1) if slot in self.entries]

    def truncate(self, group: int, base: int) -> None:
        self._done.append(f"truncate {base}")


class RecordingTransfers:
    """Notes what the driver hands over."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def take(self, sender: int, message: SnapshotMessage) -> None:
        self._done.append(f"take {type(message).__name__} of {sender}")

    def offer(self, to: int, ballot: Ballot) -> None:
        self._done.append(f"offer to {to}")


class HeldRunner:
    """Work ends when the test says so."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, work: Callable[[], T]) -> T:
        await self.gate.wait()
        try:
            return work()
        finally:
            self._done.append("synced")

    def close(self) -> None: ...


class RecordingTransport:
    """Notes what is sent, decoded."""

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.sent: list[tuple[str, codec.ReplicaMessage]] = []
        self.before_each: Callable[[], object] = lambda: None

    def send(self, node: str, messages: Sequence[bytes]) -> None:
        self.before_each()
        for data in messages:
            *_, message = codec.decode(data)
            self._done.append(f"send {type(message).__name__}")
            self.sent.append((node, message))


class Turner:
    """A driver of one group on n1, running."""

    def __init__(self, clock: VirtualClock, *groups: Group) -> None:
        self.clock = clock
        self.done: list[str] = []
        self.log, self.runner = RecordingLog(self.done), HeldRunner(self.done)
        self.transport = RecordingTransport(self.done)
        self.driver = Driver(log=self.log, log_runner=self.runner, transport=self.transport, clock=clock)
        self.groups = groups or (new_group(),)
        self.rerouted: list[Asked] = []
        for group in self.groups:
            group.reroute = self.rerouted.append  # type: ignore[assignment]  # all calls are Asked here
            group.reads.tell = partial(self.driver.tell, group)
            flusher = Flusher(group, DictBase(), self.runner, clock, 1000.0, 1000)
            self.driver.add(group, flusher, RecordingTransfers(self.done))
        self.task = asyncio.create_task(self.driver.run())

    @property
    def group(self) -> Group:
        return self.groups[0]

    @property
    def turns(self) -> int:
        """How many have ended."""
        return sum(self.driver.turn_seconds.counts)

    @property
    def ballot(self) -> Ballot:
        """What the first group's replica has promised."""
        return self.group.replica.ballot

    async def accepted(self, sender: int, slot: int) -> None:
        """A vote of 2 or 3 for what the replica proposed."""
        await self.hear(sender, m.Accepted(self.ballot, (slot,)))

    async def hear(self, sender: int, *messages: m.Message, group: int = 1) -> None:
        self.driver.receive(f"n{sender}", [codec.encode(group, sender, 1, message) for message in messages])
        await turns()

    async def follow(self, *payloads: bytes) -> None:
        """2 leads and proposes."""
        first = self.group.replica.decided_through + 1
        entries = tuple(Entry(slot, LEADER, payload) for slot, payload in enumerate(payloads, first))
        await self.hear(2, m.Accept(LEADER, entries, 0))

    async def lead(self) -> None:
        """Be elected and serve."""
        await self.clock.sleep(self.group.replica.config.election_timeout_s * 2)
        await self.hear(2, m.PrePromise(Ballot(1, 1, 1), True, self.ballot, 0))
        await self.hear(2, m.Promise(self.ballot, (), 0))
        await self.accepted(2, 1)
        assert self.group.replica.serving

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
