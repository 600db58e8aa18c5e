"""How a replica comes to lead: ask, prepare, gather promises, recover what may have been chosen."""

from __future__ import annotations

from ostraka_server.paxos.acceptor import AHEAD_ENTRIES_MAX
from ostraka_server.paxos.adoption import adopt, open_slots
from ostraka_server.paxos.campaign import Campaign, Phase
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.leading import Leading
from ostraka_server.paxos.messages import Nack, Prepare, PrePrepare, PrePromise, Promise, TakeOver
from ostraka_server.paxos.values import NO_OP, Ballot, ReplicaId

PROMISE_BYTES_MAX = 32 << 20
"""A replica with more to report gives no promise. It holds so much only where its disk has lost a slot far below the
others, and so did the candidate's: a replica that knows those slots decided must be had, and gets it by with little."""

SLOT_BYTES = 64
"""What a promise spends on a slot beside its payload, at most."""


class Electing(Leading):
    """Handlers of a candidate, and of those it asks."""

    def _ask(self, now: float) -> None:
        """Nobody was heard for too long: would a quorum promise a higher ballot?"""
        self._leader = None
        self._restart_election_timer(now)
        if not self.may_lead:
            return
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
        self._note_round(message.promised)
        if message.decided_through > self.decided_through and not self.leads:
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
        accepted, faulty = self._acceptor.accepted_from(message.first), self._acceptor.faulty_from(message.first)
        size = sum(len(entry.payload) for entry in accepted) + SLOT_BYTES * (len(accepted) + len(faulty))
        if size > PROMISE_BYTES_MAX:
            return self._ignore("more to report than a promise holds")
        self._after_sync(sender, Promise(message.ballot, accepted, self.decided_through, faulty))

    def _on_promise(self, sender: ReplicaId, message: Promise, now: float) -> None:
        campaign = self._campaign
        if campaign is None or campaign.phase is Phase.ASKING or message.ballot != campaign.ballot:
            return self._ignore("late promise")
        # Accepted entries lie close above what is decided; after a restart that forgot how far that was, without gaps.
        slots = [each.slot for each in message.accepted] + [each.slot for each in message.faulty]
        bound = message.decided_through + len(slots) + AHEAD_ENTRIES_MAX
        if any(not message.decided_through < slot <= bound for slot in slots):
            return self._ignore("promise out of bounds")
        if campaign.promised(sender, message):
            campaign.phase = Phase.RECOVERING
            self._recover(campaign, now)

    def _recover(self, campaign: Campaign, now: float) -> None:
        """Lead, unless a promiser knows decided slots that are not known here, which are fetched first; or faulty slots
        leave open what was chosen: further promises may tell, or the election timer ends the attempt."""
        source, through = campaign.most_advanced()
        if self.decided_through < through:
            self._catchup.behind(source, through, now, urgent=True)
        elif open_slots(campaign.promises.values(), self.decided_through + 1, len(self.members), self.quorum):
            self._ignore("a slot is faulty and may have been chosen")
        else:
            self._lead(campaign, now)

    def _lead(self, campaign: Campaign, now: float) -> None:
        first = self.decided_through + 1
        self._campaign = None
        self._leader = self.id
        self._catchup.stop()
        lead = self._leadership = Leadership(campaign.ballot, self.others, self.quorum, first, now)
        for slot, payload in adopt(campaign.promises.values(), first):
            proposed = self._propose(lead, payload, now)
            assert proposed == slot, "slots are handed out in order"
        lead.barrier = self._propose(lead, NO_OP, now)
        self._beat(lead, now)

    def _on_take_over(self, sender: ReplicaId, message: TakeOver, now: float) -> None:
        if sender != self._leader or message.ballot != self.ballot:
            return self._ignore("take-over from a leader of the past")
        if not self.may_lead:
            return self._ignore("take-over by one that may not lead")
        self._prepare(now)

    def _on_nack(self, sender: ReplicaId, message: Nack, now: float) -> None:
        self._note_round(message.promised)
        lead, campaign = self._leadership, self._campaign
        if lead is not None and message.ballot == lead.ballot < message.promised:
            self._step_down(now)
        elif campaign is not None and message.ballot == campaign.ballot < message.promised:
            self._campaign = None
            self._restart_election_timer(now)
        else:
            self._ignore("late nack")

    def _caught_up(self, now: float) -> None:
        campaign = self._campaign
        if campaign is not None and campaign.phase is Phase.RECOVERING:
            self._restart_election_timer(now)
            self._recover(campaign, now)
