"""One replica with its machine on this node: what the driver turns, and what the gateway hands calls to.

The replica decides, the machine applies, this module carries calls between them. It never awaits: the driver does the
I/O that `turn` asks for and comes back with `finish`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ostraka.clock import WallClock
from ostraka_server.distribution import Distribution, quadrupling
from ostraka_server.logs import fields
from ostraka_server.machine import Machine, Result
from ostraka_server.machine.base import Row
from ostraka_server.paxos import Entry, Ready, Replica, ReplicaId
from ostraka_server.paxos.messages import Message, Send
from ostraka_server.shard import failures
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.backlog import Backlog
from ostraka_server.shard.calls import Call
from ostraka_server.shard.confirmed_reads import ConfirmedReads
from ostraka_server.shard.inbox import Inbox
from ostraka_server.shard.local_reads import LocalReads
from ostraka_server.shard.proposals import ENTRY_BYTES_MAX, ENTRY_COMMANDS_MAX, Proposals
from ostraka_server.shard.read_points import ReadPointMessage
from ostraka_server.store import DamagedStore

UNFLUSHED_BYTES_MAX = 64 << 20
"""What a machine may hold that its store does not hold yet. From half of it on the store catches up without delay."""

TURN_BYTES_MAX = 16 << 20
"""Once so much more is held for what was applied, be it one large delete, the rest waits for the next turn."""

INBOX_FULL = "too many messages wait"
"""Why a message was ignored that no replica has seen."""

log = logging.getLogger("ostraka.group")


@dataclass(slots=True)
class GroupStats:
    """Counted since the process started."""

    proposals: int = 0
    proposal_failures: int = 0
    commands: int = 0
    reads: int = 0
    damaged_stores: int = 0
    leaders: int = 0
    """Times that a leader became known here, be it the former one."""
    entry_commands: Distribution = field(default_factory=lambda: quadrupling(1, ENTRY_COMMANDS_MAX))
    """Commands in each entry proposed."""


class Group:
    """Single-threaded: everything happens on the loop."""

    def __init__(
        self,
        *,
        group: int,
        shard: int,
        replica: Replica,
        members: dict[ReplicaId, str],
        machine: Machine,
        answers: Answers,
        now: Callable[[], float],
        first_nonce: int,
        wall: WallClock,
        unflushed_max: int,
        bite_rows: int,
        base: int = 0,
    ) -> None:
        """`now` reads the node's clock, in seconds. `first_nonce`: drawn at random, below 2**62 (see `read_points.py`).
        `bite_rows`: so many rows are looked at in one turn for reads that need many.
        `base`: the log holds no entries through it. Where the machine does not have them either, its store is lost:
        nothing is applied, read or led until a snapshot is installed; the replica keeps voting."""
        self.id = group
        self.shard = shard
        self.replica = replica
        self.members = members
        self.machine = machine
        self.stats = GroupStats()
        self.reroute: Callable[[Call], None] = _nowhere
        """Takes calls that this replica surely will not carry out, because it does not lead."""
        self.listeners: list[Callable[[], None]] = []
        """Called when the leader known here, or whether it serves, changed."""
        self.on_damage: Callable[[], None] = lambda: None
        """Called when the store turned out to be damaged, and so counts as lost."""
        self.wake: Callable[[], None] = lambda: None
        """Has the driver turn the group."""
        self._answers = answers
        self._now = now
        self._wall = wall
        self._unflushed_max = unflushed_max
        self._proposals = Proposals(replica.id, self._value_bytes, min(ENTRY_BYTES_MAX, replica.config.window_bytes))
        self.reads = ConfirmedReads(replica, first_nonce)
        self._local = LocalReads(answers, self.reads, replica, now, bite_rows)
        self._backlog = Backlog(machine.applied_slot)
        self.base = base
        """The log holds no entries through it, or will soon not hold them."""
        self.lost = machine.applied_slot < base
        replica.may_lead = not self.lost
        self._inbox = Inbox()
        self._known = (replica.leader, replica.serving)
        self._decided_through = replica.decided_through
        """As the Readies tell it: what goes beyond is not in the log yet."""

    # For the gateway

    @property
    def leads(self) -> bool:
        """Whether this replica leads, as far as it knows."""
        return self.replica.leads

    @property
    def leader_node(self) -> str | None:
        """The node of the leader known here."""
        leader = self.replica.leader
        return None if leader is None else self.members[leader]

    def submit(self, call: Call) -> None:
        """Take a call of this group. The caller wakes the driver."""
        (self.reads if call.is_read else self._proposals).add(call)

    def may_answer(self, call: Call) -> bool:
        """Whether a read that any replica may answer can be answered from this one's state as it is."""
        machine = self.machine
        return self.reads.may_answer(call, machine.revision, machine.applied_slot, self._now())

    def read_locally(self, call: Call) -> None:
        """Answer a read from this replica's own state, however old. One that meets damage goes elsewhere."""
        self.stats.reads += 1
        try:
            self._local.read(call, self.machine)
        except DamagedStore as damage:
            self.damaged(damage)
            self.reroute(call)
        if self._local:
            self.wake()

    def read_on(self) -> bool:
        """A bite of the reads that may need many. Whether there is more to do for them."""
        if not self._local:
            return False
        if not self.lost:
            try:
                self._local.go_on(self.machine)
            except DamagedStore as damage:
                self.damaged(damage)
        if self.lost:
            for call in self._local.give_up():
                self.reroute(call)
        return bool(self._local)

    def get(self, key: bytes) -> Row | None:
        """A row of this replica's own state. Raises DamagedStore, and takes the store for lost."""
        try:
            return self.machine.get(key)
        except DamagedStore as damage:
            self.damaged(damage)
            raise

    def _value_bytes(self, key: bytes) -> int:
        """How large the value of a key is; of one that cannot be read, 0: the write that ends it meets the damage."""
        try:
            row = self.machine.get(key)
        except DamagedStore:
            return 0
        return 0 if row is None else len(row.value)

    @property
    def queued_writes(self) -> int:
        """Writes that wait to be proposed."""
        return self._proposals.queued

    @property
    def pending_reads(self) -> int:
        """Reads that wait for their read point to be confirmed and applied, or for their next bite."""
        return self.reads.calls + len(self._local)

    @property
    def waiting(self) -> bool:
        """Whether calls wait here, whose deadlines may pass."""
        return bool(self._proposals) or bool(self.reads) or bool(self._local)

    def expire(self, now: float) -> None:
        """Answer every call whose deadline has passed."""
        self._proposals.expire(now)
        self.reads.expire(now)
        self._local.expire(now)

    # For the driver

    def receive(self, sender: ReplicaId, message: Message, size: int = 0) -> None:
        """A message for the next turn, that came as so many bytes. Others' are dropped while too many wait: they are
        said again, as a replica's own votes are not."""
        if self._inbox.is_full and sender != self.replica.id:
            self.replica.ignored[INBOX_FULL] += 1
        else:
            self._inbox.put(sender, message, size)

    @property
    def deadline(self) -> float:
        """When a turn has something to do."""
        return min(self.attend_deadline, self.reads.deadline)

    @property
    def attend_deadline(self) -> float:
        """When `attend` has: a deadline that only a turn moves would be due again and again while the log syncs."""
        return self.replica.deadline

    def hear(self, sender: ReplicaId, message: ReadPointMessage) -> None:
        """Another replica asks for a read point, or answers."""
        self.reads.hear(sender, message)
        self._answer_reads()

    def turn(self, now: float) -> Ready:
        """Take in what has arrived, propose what is queued, and say what is to be done."""
        replica = self.replica
        if self.lost:
            replica.resign(now)
        lags = self._lags  # before this turn: what it decides is applied while its proposals are synced
        self._take_in(now)
        if replica.leads:
            if not lags:
                self._propose(now)
        else:
            for call in self._proposals.take_queued():
                self.reroute(call)
        for call in self.reads.ask_for_read_point(now, lost=self.lost):
            self.reroute(call)
        ready = replica.ready()
        self._decided_through = replica.decided_through
        return ready

    def attend(self, now: float) -> Sequence[Send]:
        """While the log syncs: take in what has arrived; what may be sent at once. All else is for the next turn."""
        self._take_in(now)
        return self.replica.take_at_once()

    @property
    def changed(self) -> bool:
        """Whether there is news for the listeners, which `finish` tells."""
        return (self.replica.leader, self.replica.serving) != self._known

    def advance(self, ready: Ready) -> None:
        """What the Ready asked for is being synced: apply, and answer, what does not wait for that."""
        self._backlog.extend(ready.take_durable())
        self._apply_backlog()
        self.reads.take_confirmed(ready)
        self._answer_reads()

    def finish(self, ready: Ready) -> None:
        """What the Ready asked for is durable: apply, and answer, the rest."""
        if ready.promise is not None:
            self.replica.synced(ready.promise)
        self._backlog.extend(ready.decided)
        ready.decided.clear()
        self.advance(ready)
        for number in ready.failed_reads:
            for call in self.reads.failed(number):
                self.reroute(call)
        self._notice_change()

    def flushed(self) -> None:
        """The store caught up: go on applying where its lag had stopped it."""
        self._apply_backlog()
        self._answer_reads()

    @property
    def unread(self) -> tuple[int, int] | None:
        """First and last slot of the decided entries that are to be read from the log for `refill`."""
        return None if self.lost else self._backlog.unread(self._decided_through)

    def refill(self, entries: Iterable[Entry]) -> None:
        """Entries that follow on what was applied, read from the log."""
        self._backlog.extend(entries)
        self.flushed()

    # For the transfer of snapshots

    @property
    def needs_through(self) -> int:
        """A snapshot helps from this slot on."""
        return self.base if self.lost else self.replica.decided_through + 1

    def lose(self) -> None:
        """The store is damaged or about to be replaced: its machine must not be touched any more."""
        self.lost = True

    def damaged(self, damage: DamagedStore) -> None:
        """Somebody met damage in the store."""
        if not self.lost:
            self.stats.damaged_stores += 1
            log.error("store lost", extra=fields(group=self.id, why=str(damage)))
            self.lose()
            self.on_damage()

    def install(self, machine: Machine, now: float) -> None:
        """Go on with another machine, whose store holds a snapshot."""
        self.machine = machine
        self.lost = False
        self.replica.may_lead = True
        self.replica.install(machine.applied_slot, now)
        self._decided_through = max(machine.applied_slot, self._decided_through)
        self._backlog.restart(machine.applied_slot)
        for call in self._proposals.forget(machine.applied_slot):
            call.answer(failures.outcome_unknown(self.shard))
        self._answer_reads()

    # Inside

    def _take_in(self, now: float) -> None:
        for sender, message in self._inbox.take_all():
            self.replica.step(sender, message, now)
        if now >= self.replica.deadline:
            self.replica.tick(now)

    def _propose(self, now: float) -> None:
        while self.replica.has_room and self._proposals.queued:
            batch = self._proposals.next_batch(self.replica.ballot, self._wall.unix_ms())
            if batch is None:
                return
            slot = self.replica.propose(batch.payload, now)
            assert slot is not None, "it had room"
            self._proposals.proposed(slot, batch)
            self.stats.proposals += 1
            self.stats.entry_commands.observe(len(batch.calls))

    @property
    def _lags(self) -> bool:
        """Whether what is decided and not applied piles up here: a leader then proposes nothing."""
        return bool(self._backlog) or self.unread is not None

    def _apply_backlog(self) -> None:
        machine = self.machine
        enough = machine.unflushed_bytes + TURN_BYTES_MAX
        while self._backlog and not self.lost and machine.unflushed_entries < self._unflushed_max:
            if machine.unflushed_bytes >= UNFLUSHED_BYTES_MAX:
                return
            if machine.unflushed_bytes >= enough:
                return self.wake()
            self._apply(self._backlog.take())

    def _apply(self, entry: Entry) -> None:
        try:
            results = self.machine.apply(entry.slot, entry.payload)
        except DamagedStore as damage:  # the machine has done half of it, and is never used again
            return self.damaged(damage)
        self.stats.commands += len(results)
        carried, lost = self._proposals.settle(entry)
        self.stats.proposal_failures += bool(lost)
        for call in lost:
            self.reroute(call)
        if carried:
            self._answer_writes(carried, results)

    def _answer_writes(self, calls: Sequence[Call], results: Sequence[Result]) -> None:
        ballot_round = self.replica.ballot.round
        for call, result in zip(calls, results, strict=True):
            if not call.is_answered:
                call.answer(self._answers.to_write(call, result, self.machine, ballot_round))

    def _answer_reads(self) -> None:
        if self.lost:
            return
        for call in self.reads.take_ready(self.machine.applied_slot):
            if self.lost:
                self.reroute(call)
            elif not call.is_answered:
                self.read_locally(call)

    def _notice_change(self) -> None:
        if self.changed:
            self.stats.leaders += self.replica.leader not in (None, self._known[0])
            self._known = (self.replica.leader, self.replica.serving)
            for listener in tuple(self.listeners):
                listener()


def _nowhere(call: Call) -> None:
    raise AssertionError("a group's calls need a gateway to go back to")
