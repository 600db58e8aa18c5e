"""One replica of one group. Nothing here awaits, reads a clock, or draws a random number of its own.

Every call changes state and adds to one `Ready`; the driver takes it and obeys: persist, sync, send, apply.
A handler asserts, ignores what does not concern it (and counts why), changes state, and emits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ostraka_server.paxos.acceptor import AHEAD_ENTRIES_MAX, Acceptor, Durable
from ostraka_server.paxos.adoption import adopt
from ostraka_server.paxos.campaign import Campaign, Phase
from ostraka_server.paxos.catchup import CatchUp
from ostraka_server.paxos.config import PaxosConfig
from ostraka_server.paxos.leadership import Leadership, Transfer
from ostraka_server.paxos.messages import (
    Accept,
    Accepted,
    Decided,
    Fetch,
    Heartbeat,
    HeartbeatAck,
    Message,
    Nack,
    Prepare,
    PrePrepare,
    PrePromise,
    Promise,
    Send,
    TakeOver,
)
from ostraka_server.paxos.quorum import majority
from ostraka_server.paxos.ready import Ready, ServeDecided
from ostraka_server.paxos.values import NO_OP, Ballot, ReplicaId

if TYPE_CHECKING:
    from random import Random

ROUND_MAX = 1 << 62
"""Rounds rise by one an election; a message far beyond is nonsense and must not carry the group there."""


class Replica:
    """See DESIGN.md for the invariants. `now` is in seconds and never falls from call to call."""

    def __init__(
        self,
        *,
        replica: ReplicaId,
        epoch: int,
        members: Iterable[ReplicaId],
        config: PaxosConfig,
        random: Random,
        durable: Durable,
        now: float,
    ) -> None:
        self.id = replica
        self.epoch = epoch
        self.members = frozenset(members)
        assert replica in self.members, "only a member of the epoch takes part"
        self.others = tuple(sorted(self.members - {replica}))
        self.quorum = majority(len(self.members))
        self.config = config
        self.ignored: Counter[str] = Counter()
        self.elections = 0
        self._random = random
        self._acceptor = Acceptor(durable)
        self._catchup = CatchUp(config.heartbeat_s, config.election_timeout_s)
        self._campaign: Campaign | None = None
        self._leadership: Leadership | None = None
        self._leader: ReplicaId | None = None
        self._leader_heard_at = float("-inf")
        self._highest_round = durable.promised.round
        self._ready = Ready()
        self._restart_election_timer(now)

    # What others may know

    @property
    def leads(self) -> bool:
        """Whether a quorum has promised this replica's ballot, as far as it knows."""
        return self._leadership is not None

    @property
    def serving(self) -> bool:
        """Whether it leads and its barrier is decided: it may confirm reads."""
        lead = self._leadership
        return lead is not None and 0 < lead.barrier <= self.decided_through

    @property
    def leader(self) -> ReplicaId | None:
        """The leader of the highest ballot heard from, if it is still believed to lead."""
        return self._leader

    @property
    def role(self) -> str:
        """leader, candidate or follower."""
        return "leader" if self.leads else "candidate" if self._campaign else "follower"

    @property
    def ballot(self) -> Ballot:
        """The highest ballot promised."""
        return self._acceptor.promised

    @property
    def decided_through(self) -> int:
        """Every slot up to it is known decided."""
        return self._acceptor.decided_through

    @property
    def has_room(self) -> bool:
        """Whether `propose` would take a payload now."""
        lead = self._leadership
        return lead is not None and self.serving and lead.transfer is None and lead.has_room(self.config)

    @property
    def pending(self) -> int:
        """Proposals that are not known chosen."""
        return len(self._leadership.pending) if self._leadership else 0

    @property
    def deadline(self) -> float:
        """When `tick` has something to do."""
        lead = self._leadership
        own = lead.heartbeat_at if lead else self._election_at
        return min(own, self._catchup.deadline)

    # Input

    def step(self, sender: ReplicaId, message: Message, now: float) -> None:
        """Take a message from a replica (or from itself, released after a sync)."""
        if sender not in self.members:
            return self._ignore("unlisted sender")
        if message.ballot.epoch != self.epoch:
            return self._ignore("other epoch")
        if message.ballot.round > ROUND_MAX:
            return self._ignore("absurd round")
        if sender == self.id and not isinstance(message, Prepare | Promise | Accepted):
            return self._ignore("not a message to oneself")
        self._highest_round = max(self._highest_round, message.ballot.round)
        _HANDLERS[type(message)](self, sender, message, now)

    def tick(self, now: float) -> None:
        """Do what time demands. Harmless when called early."""
        if self._leadership is not None:
            self._tick_leader(self._leadership, now)
        elif now >= self._election_at:
            self._ask(now)
        source = self._catchup.due(now)
        if source is not None:
            self._at_once(source, Fetch(self.ballot, self.decided_through + 1))

    def propose(self, payload: bytes, now: float) -> int | None:
        """Propose a payload; its slot, or None where `has_room` is false."""
        if not self.has_room:
            return None
        assert self._leadership is not None
        return self._propose(self._leadership, payload, now)

    def read(self, read: int, now: float) -> None:
        """Ask for a confirmed read point; answered in `Ready.confirmed` or `Ready.failed_reads` under this number."""
        if self._leadership is None:
            self._ready.failed_reads.append(read)
        else:
            self._leadership.reads.add(read)

    def transfer(self, target: ReplicaId, now: float) -> bool:
        """Begin to hand leadership to `target`; proposals wait meanwhile. False where this cannot begin."""
        lead = self._leadership
        if lead is None or not self.serving or lead.transfer is not None or target not in self.others:
            return False
        lead.transfer = Transfer(target, now + self.config.election_timeout_s)
        self._beat(lead, now)
        return True

    def ready(self) -> Ready:
        """Take what has gathered since the last call."""
        lead = self._leadership
        if lead is not None:
            self._send_proposals(lead)
            if self.serving and lead.reads.wants_round:
                self._begin_round(lead)
        ready, self._ready = self._ready, Ready()
        return ready

    # Phase 1

    def _ask(self, now: float) -> None:
        """Nobody was heard for too long: would a quorum promise a higher ballot?"""
        self._leader = None
        self._restart_election_timer(now)
        ballot = Ballot(self.epoch, self._highest_round + 1, self.id)
        self._campaign = Campaign(ballot, self.quorum)
        self._broadcast(PrePrepare(ballot, self.decided_through))
        if self._campaign.granted(self.id):
            self._prepare(now)

    def _on_pre_prepare(self, sender: ReplicaId, message: PrePrepare, now: float) -> None:
        hears_leader = self.leads or now - self._leader_heard_at < self.config.election_timeout_s
        lag = self.decided_through - message.decided_through
        granted = message.ballot > self.ballot and not hears_leader and lag <= self.config.election_lag_entries
        self._at_once(sender, PrePromise(message.ballot, granted, self.ballot, self.decided_through))

    def _on_pre_promise(self, sender: ReplicaId, message: PrePromise, now: float) -> None:
        campaign = self._campaign
        self._highest_round = max(self._highest_round, message.promised.round)
        if message.decided_through > self.decided_through:
            self._catchup.behind(sender, message.decided_through, now)
        if campaign is None or campaign.phase is not Phase.ASKING or message.ballot != campaign.ballot:
            return self._ignore("late pre-promise")
        if message.granted and campaign.granted(sender):
            self._prepare(now)

    def _prepare(self, now: float) -> None:
        """A quorum would: promise the ballot here, and once that is durable ask for promises."""
        self.elections += 1
        ballot = Ballot(self.epoch, self._highest_round + 1, self.id)
        self._highest_round = ballot.round
        self._campaign = Campaign(ballot, self.quorum, Phase.PREPARING)
        self._leader = None
        self._restart_election_timer(now)
        self._acceptor.promise(ballot, self._ready)
        for member in (self.id, *self.others):
            self._after_sync(member, Prepare(ballot, self.decided_through + 1))

    def _on_prepare(self, sender: ReplicaId, message: Prepare, now: float) -> None:
        if message.ballot.replica != sender:
            return self._ignore("ballot of another replica")
        if self._refuse_lower(sender, message.ballot):
            return
        self._follow(message.ballot, now)
        self._after_sync(
            sender,
            Promise(message.ballot, self._acceptor.accepted_from(message.first), self.decided_through),
        )

    def _on_promise(self, sender: ReplicaId, message: Promise, now: float) -> None:
        campaign = self._campaign
        if campaign is None or campaign.phase is not Phase.PREPARING or message.ballot != campaign.ballot:
            return self._ignore("late promise")
        bound = message.decided_through + AHEAD_ENTRIES_MAX
        if any(not message.decided_through < entry.slot <= bound for entry in message.accepted):
            return self._ignore("promise out of bounds")
        if campaign.promised(sender, message):
            campaign.phase = Phase.RECOVERING
            self._recover(campaign, now)

    def _recover(self, campaign: Campaign, now: float) -> None:
        """Lead, unless a promiser knows decided slots that are not known here: then fetch those first."""
        source, through = campaign.most_advanced()
        if self.decided_through < through:
            self._catchup.behind(source, through, now, urgent=True)
            return
        self._lead(campaign, now)

    def _lead(self, campaign: Campaign, now: float) -> None:
        first = self.decided_through + 1
        self._campaign = None
        self._leader = self.id
        lead = self._leadership = Leadership(campaign.ballot, self.others, self.quorum, first, now)
        for slot, payload in adopt(campaign.promises.values(), first):
            assert self._propose(lead, payload, now) == slot
        lead.barrier = self._propose(lead, NO_OP, now)
        self._beat(lead, now)

    # Phase 2

    def _propose(self, lead: Leadership, payload: bytes, now: float) -> int:
        entry = lead.propose(payload, now)
        self._acceptor.accept_own(entry, self._ready)
        return entry.slot

    def _send_proposals(self, lead: Leadership) -> None:
        """One Accept for everything proposed in this turn; the leader's own vote waits for its sync."""
        entries = lead.take_unsent()
        if entries:
            self._broadcast(Accept(lead.ballot, entries, self.decided_through))
            self._after_sync(self.id, Accepted(lead.ballot, tuple(entry.slot for entry in entries)))

    def _on_accept(self, sender: ReplicaId, message: Accept, now: float) -> None:
        if message.ballot.replica != sender:
            return self._ignore("ballot of another replica")
        if self._refuse_lower(sender, message.ballot):
            return
        self._hear_leader(sender, message.ballot, now)
        if self._acceptor.contradicts(message.ballot, message.entries):
            return self._ignore("entries that no leader proposes")
        accepted = self._acceptor.accept(message.ballot, message.entries, self._ready)
        if accepted:
            self._after_sync(sender, Accepted(message.ballot, tuple(accepted)))
        self._believe(sender, message.ballot, message.decided_through, now)

    def _on_accepted(self, sender: ReplicaId, message: Accepted, now: float) -> None:
        lead = self._leadership
        if lead is None or message.ballot != lead.ballot:
            return self._ignore("late accepted")
        if sender != self.id:
            lead.heard[sender] = now
        lead.accepted(sender, message.slots)
        through = lead.chosen_through(self.decided_through)
        assert self._acceptor.believe(lead.ballot, through, self._ready), "a leader knows what it proposed"

    def _on_nack(self, sender: ReplicaId, message: Nack, now: float) -> None:
        self._highest_round = max(self._highest_round, message.promised.round)
        lead, campaign = self._leadership, self._campaign
        if lead is not None and message.ballot == lead.ballot < message.promised:
            self._step_down(now)
        elif campaign is not None and message.ballot == campaign.ballot < message.promised:
            self._campaign = None
            self._restart_election_timer(now)
        else:
            self._ignore("late nack")

    # Heartbeats, reads, transfer

    def _tick_leader(self, lead: Leadership, now: float) -> None:
        if not lead.hears_quorum(now - self.config.election_timeout_s):
            return self._step_down(now)
        if lead.transfer is not None and now >= lead.transfer.deadline:
            lead.transfer = None
        if now >= lead.heartbeat_at:
            self._send_again(lead, now)
            self._beat(lead, now)

    def _send_again(self, lead: Leadership, now: float) -> None:
        """Once per heartbeat: undecided entries that a replica, though it answers, did not accept."""
        since = now - 2 * self.config.heartbeat_s
        for other in self.others:
            if lead.heard[other] < since:
                continue
            entries = lead.unanswered(other, now - self.config.heartbeat_s, self.config.resend_bytes)
            if entries:
                self._at_once(other, Accept(lead.ballot, entries, self.decided_through))

    def _beat(self, lead: Leadership, now: float) -> None:
        lead.heartbeat_at = now + self.config.heartbeat_s
        self._broadcast(Heartbeat(lead.ballot, lead.next_nonce(), self.decided_through))

    def _begin_round(self, lead: Leadership) -> None:
        nonce = lead.next_nonce()
        lead.reads.begin(nonce, self.decided_through)
        self._broadcast(Heartbeat(lead.ballot, nonce, self.decided_through))
        self._confirm_reads(lead)

    def _confirm_reads(self, lead: Leadership) -> None:
        confirmed = lead.reads.confirmed()
        if confirmed is not None:
            assert confirmed.read_point >= lead.barrier, "a read point before the barrier"
            self._ready.confirmed.extend((read, confirmed.read_point) for read in confirmed.reads)

    def _on_heartbeat(self, sender: ReplicaId, message: Heartbeat, now: float) -> None:
        if message.ballot.replica != sender:
            return self._ignore("ballot of another replica")
        if self._refuse_lower(sender, message.ballot):
            return
        self._hear_leader(sender, message.ballot, now)
        self._believe(sender, message.ballot, message.decided_through, now)
        self._after_sync(sender, HeartbeatAck(message.ballot, message.nonce, self.decided_through))

    def _on_heartbeat_ack(self, sender: ReplicaId, message: HeartbeatAck, now: float) -> None:
        lead = self._leadership
        if lead is None or message.ballot != lead.ballot or sender == self.id:
            return self._ignore("late heartbeat ack")
        if message.nonce > lead.nonce:
            return self._ignore("nonce never sent")
        lead.heard[sender] = now
        lead.reads.answered(sender, message.nonce)
        self._confirm_reads(lead)
        transfer = lead.transfer
        if transfer is not None and transfer.target == sender and not lead.pending:
            self._hand_over(lead, transfer, message.decided_through, now)

    def _hand_over(self, lead: Leadership, transfer: Transfer, target_decided: int, now: float) -> None:
        """The target has everything: let it run. If it knows less, tell it how far things are decided."""
        if target_decided == self.decided_through and not transfer.asked:
            transfer.asked = True
            self._at_once(transfer.target, TakeOver(lead.ballot))
        elif target_decided < self.decided_through:
            lead.heartbeat_at = now

    def _on_take_over(self, sender: ReplicaId, message: TakeOver, now: float) -> None:
        if sender != self._leader or message.ballot != self.ballot:
            return self._ignore("take-over from a leader of the past")
        self._prepare(now)

    # Catching up

    def _believe(self, leader: ReplicaId, ballot: Ballot, through: int, now: float) -> None:
        if not self._acceptor.believe(ballot, through, self._ready):
            self._catchup.behind(leader, through, now)
        self._catchup.reached(self.decided_through)

    def _on_fetch(self, sender: ReplicaId, message: Fetch, now: float) -> None:
        if not 1 <= message.first <= self.decided_through:
            return self._ignore("fetch of what is not known decided")
        self._ready.serve.append(ServeDecided(sender, message.ballot, message.first, self.decided_through))

    def _on_decided(self, sender: ReplicaId, message: Decided, now: float) -> None:
        slots = [entry.slot for entry in message.entries]
        if not slots or message.first > self.decided_through + 1:
            return self._ignore("decided entries of no use")
        if slots != list(range(message.first, message.first + len(slots))) or slots[-1] > message.decided_through:
            return self._ignore("decided entries with a gap")
        if not self._catchup.answered(sender, now):
            return self._ignore("decided entries not asked for")
        self._acceptor.learn(message.entries, self._ready)
        self._catchup.behind(sender, message.decided_through, now)
        self._catchup.reached(self.decided_through)
        campaign = self._campaign
        if campaign is not None and campaign.phase is Phase.RECOVERING:
            self._restart_election_timer(now)
            self._recover(campaign, now)

    # Roles

    def _refuse_lower(self, sender: ReplicaId, ballot: Ballot) -> bool:
        if ballot >= self.ballot:
            return False
        if sender == self.id:
            self._ignore("own ballot overtaken before it was durable")
        else:
            self._at_once(sender, Nack(ballot, self.ballot))
        return True

    def _follow(self, ballot: Ballot, now: float) -> None:
        """Promise `ballot`, and give up what is attempted under a lower one."""
        if self._leadership is not None and self._leadership.ballot < ballot:
            self._step_down(now)
        if self._campaign is not None and self._campaign.ballot < ballot:
            self._campaign = None
        if ballot > self.ballot:
            self._leader = None
            self._restart_election_timer(now)
        self._acceptor.promise(ballot, self._ready)

    def _hear_leader(self, leader: ReplicaId, ballot: Ballot, now: float) -> None:
        assert leader != self.id, "a leader does not follow itself"
        self._follow(ballot, now)
        self._campaign = None
        self._leader = leader
        self._leader_heard_at = now
        self._election_at = now + self._election_timeout_s

    def _step_down(self, now: float) -> None:
        assert self._leadership is not None
        self._ready.failed_reads.extend(self._leadership.reads.abandon())
        self._leadership = None
        self._leader = None
        self._restart_election_timer(now)

    def _restart_election_timer(self, now: float) -> None:
        self._election_timeout_s = self.config.election_timeout_s * (1 + self._random.random())
        self._election_at = now + self._election_timeout_s

    # Output

    def _at_once(self, to: ReplicaId, message: Message) -> None:
        self._ready.at_once.append(Send(to, message))

    def _after_sync(self, to: ReplicaId, message: Message) -> None:
        self._ready.after_sync.append(Send(to, message))

    def _broadcast(self, message: Message) -> None:
        for other in self.others:
            self._at_once(other, message)

    def _ignore(self, reason: str) -> None:
        self.ignored[reason] += 1


_HANDLERS: dict[type, Callable[[Replica, ReplicaId, Any, float], None]] = {
    PrePrepare: Replica._on_pre_prepare,
    PrePromise: Replica._on_pre_promise,
    Prepare: Replica._on_prepare,
    Promise: Replica._on_promise,
    Accept: Replica._on_accept,
    Accepted: Replica._on_accepted,
    Nack: Replica._on_nack,
    Heartbeat: Replica._on_heartbeat,
    HeartbeatAck: Replica._on_heartbeat_ack,
    Fetch: Replica._on_fetch,
    Decided: Replica._on_decided,
    TakeOver: Replica._on_take_over,
}
