"""The turn: take in, persist, sync, send, apply. One loop for all groups of a node, so that one sync covers them all.

A turn takes in everything that has arrived; what arrives while it syncs is for the next one. So batches grow by
themselves when the disk or the processor is the slower side, and nothing waits when the node is idle.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import TypeVar

from ostraka.clock import Clock, Timer, next_turn
from ostraka_server.distribution import quadrupling, seconds
from ostraka_server.paxos import Ballot, Entry, Ready, ReplicaId, ServeDecided
from ostraka_server.paxos.messages import Decided, Send
from ostraka_server.shard import codec
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.group import Group
from ostraka_server.shard.read_points import ReadPointMessage
from ostraka_server.shard.seams import Log, Runner, Transport
from ostraka_server.shard.snapshots import SnapshotMessage
from ostraka_server.shard.transfer import Transfers

DECIDED_BYTES_MAX = 1 << 20
"""Payload bytes in one answer to a fetch; one entry is always sent."""

EXPIRY_STEP_S = 0.05
"""Deadlines of waiting calls are looked at this often: an answer comes at most so much late."""

SYNC_PATIENCE_S = 3.0
"""A node whose log needs longer for a sync or a truncation falls silent: others had better elect a leader whose disk
works."""

T = TypeVar("T")


class Driver:
    """Turns a node's groups. `run` ends by an exception only: what it cannot do, the node must not survive."""

    def __init__(self, *, log: Log, log_runner: Runner, transport: Transport, clock: Clock) -> None:
        self._log = log
        self._log_runner = log_runner
        self._transport = transport
        self._clock = clock
        self._groups: dict[int, Group] = {}
        self._flushers: dict[int, Flusher] = {}
        self._transfers: dict[int, Transfers] = {}
        self._truncations: dict[int, int] = {}
        self._truncated = asyncio.Event()
        """Once these are done."""
        self._outbox: defaultdict[str, list[bytes]] = defaultdict(list)
        self._has_work = False
        self._stir = asyncio.Event()
        self._timer: Timer | None = None
        self._timer_at = inf
        self._expire_at = 0.0
        self.turn_seconds = seconds()
        self.refused_messages = 0
        self.sync_seconds = seconds()
        self.sync_entries = quadrupling(1, 4096)
        self.sync_bytes = quadrupling(64, 16 << 20)

    @property
    def groups(self) -> Mapping[int, Group]:
        """The groups that it turns, by number."""
        return self._groups

    def add(self, group: Group, flusher: Flusher, transfers: Transfers) -> None:
        """Turn this group too."""
        self._groups[group.id] = group
        self._flushers[group.id] = flusher
        self._transfers[group.id] = transfers
        group.wake = self.wake
        self.wake()

    def truncate(self, group: int, base: int) -> None:
        """The log need not hold a group's entries through `base` any more: the store has their effects, durably."""
        self._truncations[group] = max(base, self._truncations.get(group, 0))
        self._groups[group].base = max(base, self._groups[group].base)
        self.wake()

    async def truncated(self, group: int, base: int) -> None:
        """`truncate`, and return once the log has let go of them, durably."""
        self.truncate(group, base)
        await self._truncated.wait()

    def tell(self, group: Group, to: ReplicaId, message: SnapshotMessage | ReadPointMessage) -> None:
        """Send something that is not consensus', now."""
        self._post_to(group, to, message)
        self._send()

    def wake(self) -> None:
        """There is something for the next turn."""
        self._has_work = True
        self._stir.set()

    def receive(self, node: str, messages: Iterable[bytes]) -> None:
        """Replica messages that came from `node`. What is malformed or not from where it claims is dropped."""
        for data in messages:
            try:
                number, sender, receiver, message = codec.decode(data)
            except codec.MalformedMessage:
                self.refused_messages += 1
                continue
            group = self._groups.get(number)
            if group is None or receiver != group.replica.id or group.members.get(sender) != node:
                self.refused_messages += 1
                continue
            if isinstance(message, SnapshotMessage):
                self._transfers[number].take(sender, message)
            elif isinstance(message, ReadPointMessage):
                group.hear(sender, message)
            else:
                group.receive(sender, message, len(data))
        self.wake()

    async def run(self) -> None:
        """Turn whenever there is something to do."""
        while True:
            while not self._has_work:
                await self._stirred(min(group.deadline for group in self._groups.values()))
            self._has_work = False
            synced = await self.turn()
            if self._has_work and not synced:
                await next_turn()  # or nothing else would run on the loop

    async def turn(self) -> bool:
        """One turn of every group; whether it synced, while all else went on."""
        now = self._clock.now()
        self._expire(now)
        turned = [(group, group.turn(now)) for group in self._groups.values()]
        turned = [(group, ready) for group, ready in turned if ready or group.changed]
        for group, ready in turned:
            self._post(group, ready.at_once)
        self._send()
        must_sync = self._append(turned)
        if must_sync:
            await self._sync_beside(turned)
        for group, ready in turned:
            self._post(group, ready.after_sync)
            self._serve(group, ready.serve)
        self._send()
        for group, ready in turned:
            group.finish(ready)
        for group in self._groups.values():
            self._refill(group)
            self._flushers[group.id].notice()
        self._read_on()
        if self._truncations:
            await self._truncate()
        self.turn_seconds.observe(self._clock.now() - now)
        return must_sync

    def _read_on(self) -> bool:
        """A bite for the reads that may need many; whether they need more of them, and another turn."""
        needs_more = [group.read_on() for group in self._groups.values()]
        if any(needs_more):
            self.wake()
        return any(needs_more)

    def _append(self, turned: Sequence[tuple[Group, Ready]]) -> bool:
        """Write to the log what is to be durable; whether it has to be synced before the rest may happen."""
        must_sync = False
        entries = payload_bytes = 0
        for group, ready in turned:
            if ready.promise is not None:
                self._log.promise(group.id, ready.promise)
            for entry in (*ready.entries, *ready.learned):
                self._log.accept(group.id, entry.slot, entry.ballot, entry.payload)
                entries += 1
                payload_bytes += len(entry.payload)
            if ready.decided:
                self._log.decided(group.id, ready.decided[-1].slot)
            must_sync = must_sync or ready.must_sync()
        if must_sync:
            self.sync_entries.observe(entries)
            self.sync_bytes.observe(payload_bytes)
        return must_sync

    async def _sync_beside(self, turned: Sequence[tuple[Group, Ready]]) -> None:
        """Sync, and meanwhile apply and answer what earlier syncs made durable: disk and processor both work.

        A follower applies after its vote was sent (`finish`): for the vote a leader and its clients wait."""
        syncing = self._begin(self._sync)
        try:
            await next_turn()  # only now has the disk the work
            for group, ready in turned:
                if group.leads:
                    group.advance(ready)
            await self._attend_until_done(syncing)
        finally:
            self.sync_seconds.observe(await syncing)

    def _begin(self, work: Callable[[], T]) -> asyncio.Task[T]:
        """Have the log's thread do its work; the driver is stirred when that is done."""
        working = asyncio.create_task(self._log_runner.run(work))
        working.add_done_callback(lambda _: self._stir.set())
        return working

    async def _attend_until_done(self, working: asyncio.Task[T]) -> None:
        """Hear and be heard while the disk is slow, so that no leader is deposed for it; what comes of it can wait."""
        silent_from = self._clock.now() + SYNC_PATIENCE_S
        while not working.done():
            now = self._clock.now()
            if self._has_work:  # what comes of it is for the next turn, which is sure to follow then
                self._expire(now)
                if now < silent_from:
                    self._attend(now)
                if self._read_on():
                    await next_turn()
            ticking = now < silent_from
            await self._stirred(min(group.attend_deadline for group in self._groups.values()) if ticking else inf)

    def _attend(self, now: float) -> None:
        for group in self._groups.values():
            self._post(group, group.attend(now))
        self._send()

    def _expire(self, now: float) -> None:
        if now >= self._expire_at:
            self._expire_at = now + EXPIRY_STEP_S
            for group in self._groups.values():
                group.expire(now)

    async def _truncate(self) -> None:
        truncations, self._truncations = self._truncations, {}
        done, self._truncated = self._truncated, asyncio.Event()
        for group, base in truncations.items():
            truncating = self._begin(partial(self._log.truncate, group, base))
            try:
                await self._attend_until_done(truncating)
            finally:
                await truncating
        done.set()

    def _refill(self, group: Group) -> None:
        """Read from the log what is decided and in memory nowhere: after a start, or where applying lagged behind."""
        if (unread := group.unread) is not None:
            entries = self._read(group, *unread)
            assert entries, f"group {group.id}: the log has lost slot {unread[0]}, which was decided"
            group.refill(entries)
            self.wake()

    def _read(self, group: Group, first: int, through: int) -> tuple[Entry, ...]:
        logged = self._log.read(group.id, first, through, DECIDED_BYTES_MAX)
        return tuple(Entry(each.slot, Ballot(*each.ballot), each.payload) for each in logged)

    def _sync(self) -> float:
        """In the log's thread: make durable what was appended. How many seconds that took."""
        began = self._clock.now()
        self._log.flush()
        return self._clock.now() - began

    def _post(self, group: Group, sends: Iterable[Send]) -> None:
        own = group.replica.id
        for send in sends:
            if send.to == own:
                group.receive(own, send.message)
                self.wake()
            else:
                self._post_to(group, send.to, send.message)

    def _post_to(self, group: Group, to: ReplicaId, message: codec.ReplicaMessage) -> None:
        self._outbox[group.members[to]].append(codec.encode(group.id, group.replica.id, to, message))

    def _serve(self, group: Group, orders: Iterable[ServeDecided]) -> None:
        for order in orders:
            if order.first <= group.base:  # as of now: what the log still has there may not be what was decided
                self._transfers[group.id].offer(order.to, order.ballot)
                continue
            entries = self._read(group, order.first, order.through)
            self._post_to(group, order.to, Decided(order.ballot, order.first, entries, order.through))

    def _send(self) -> None:
        for node, messages in self._outbox.items():
            self._transport.send(node, messages)
        self._outbox.clear()

    async def _stirred(self, deadline: float) -> None:
        """Return once something happened, or the deadline has come, or it is time for a call to expire."""
        if any(group.waiting for group in self._groups.values()):
            deadline = min(deadline, self._expire_at)
        if deadline < self._timer_at:  # a timer that comes too early is cheaper than arming one in every turn
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._clock.call_at(deadline, self._on_timer)
        await self._stir.wait()
        self._stir.clear()

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = inf
        self.wake()
