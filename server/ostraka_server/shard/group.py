"""One replica with its machine on this node: what the driver turns, and what the gateway hands calls to.

The replica decides, the machine applies (`applying.py`), this module carries calls between them. It never awaits: the
driver does the I/O that `turn` asks for and comes back with `finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ostraka.clock import WallClock
from ostraka_server.machine import Machine, Result
from ostraka_server.paxos import Entry, Ready, Replica, ReplicaId
from ostraka_server.paxos.messages import Message, Send
from ostraka_server.shard import failures
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.applying import Applying
from ostraka_server.shard.calls import Call
from ostraka_server.shard.confirmed_reads import ConfirmedReads
from ostraka_server.shard.inbox import Inbox
from ostraka_server.shard.local_reads import LocalReads
from ostraka_server.shard.proposals import ENTRY_BYTES_MAX, Proposals
from ostraka_server.shard.read_points import ReadPointMessage
from ostraka_server.store import DamagedStore

INBOX_FULL = "too many messages wait"
"""Why a message was ignored that no replica has seen."""


class Group(Applying):
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
        `base`: the log holds no entries through it. Where the machine does not have them either, its store is lost."""
        decided = replica.decided_through
        super().__init__(group=group, machine=machine, decided_through=decided, unflushed_max=unflushed_max, base=base)
        self.shard = shard
        self.replica = replica
        self.members = members
        self.reroute: Callable[[Call], None] = _nowhere
        """Takes calls that this replica surely will not carry out, because it does not lead."""
        self.listeners: list[Callable[[], None]] = []
        """Called when the leader known here, or whether it serves, changed."""
        self._answers = answers
        self._now = now
        self._wall = wall
        self._proposals = Proposals(replica.id, self._value_bytes, min(ENTRY_BYTES_MAX, replica.config.window_bytes))
        self.reads = ConfirmedReads(replica, first_nonce)
        self._local = LocalReads(answers, self.reads, replica, now, bite_rows)
        replica.may_lead = not self.lost
        self._inbox = Inbox()
        self._known = (replica.leader, replica.serving)

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
            if not self._local.read(call, self.machine):
                self.wake()
        except DamagedStore as damage:
            self.damaged(damage)
            self.reroute(call)

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

    # For the transfer of snapshots

    @property
    def needs_through(self) -> int:
        """A snapshot helps from this slot on."""
        return self.base if self.lost else self.replica.decided_through + 1

    def install(self, machine: Machine, now: float) -> None:
        """Go on with another machine, whose store holds a snapshot."""
        self.replica.may_lead = True
        self.replica.install(machine.applied_slot, now)
        self._go_on_with(machine)
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

    def _settle(self, entry: Entry, results: Sequence[Result]) -> None:
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
