"""A replica's state, what others may know of it, and the changes of role that every part of it makes alike.

The parts build on each other: `core`, `following`, `leading`, `electing`, and `replica`, which dispatches. Each holds
the handlers of one role; all of them assert, ignore what does not concern them (and count why), change state, and emit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ostraka_server.paxos.acceptor import Acceptor, Durable
from ostraka_server.paxos.campaign import Campaign
from ostraka_server.paxos.catchup import CatchUp
from ostraka_server.paxos.config import PaxosConfig
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.messages import Message, Nack, Send
from ostraka_server.paxos.quorum import majority
from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.values import Ballot, ReplicaId

if TYPE_CHECKING:
    from random import Random

ROUND_MAX = 1 << 62
"""Rounds rise by one an election; a message far beyond is nonsense and must not carry the group there."""


class Core:
    """State and roles. `now` is in seconds and never falls from call to call."""

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
        self.may_lead = True
        """False where the state that it would have to serve is lost, until a snapshot is installed."""
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
        own = self._election_at if lead is None else lead.heartbeat_at
        return min(own, self._catchup.deadline)

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

    def _note_round(self, ballot: Ballot) -> None:
        """The next campaign goes above every round that was heard of, unless it is nonsense."""
        if ballot.round <= ROUND_MAX:
            self._highest_round = max(self._highest_round, ballot.round)

    def _restart_election_timer(self, now: float) -> None:
        self._election_timeout_s = self.config.election_timeout_s * (1 + self._random.random())
        self._election_at = now + self._election_timeout_s

    def _caught_up(self, now: float) -> None:
        """Fetched entries have been taken over: a candidate that waits for them looks again."""

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
