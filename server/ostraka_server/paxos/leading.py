"""What a leader does: propose, count, heartbeat, confirm reads, step down, hand over."""

from __future__ import annotations

from ostraka_server.paxos.following import Following
from ostraka_server.paxos.leadership import Leadership, Transfer
from ostraka_server.paxos.messages import Accept, Accepted, Heartbeat, HeartbeatAck, TakeOver
from ostraka_server.paxos.values import ReplicaId


class Leading(Following):
    """Handlers of a leader; see `leadership.py` for the state that lives and dies with its ballot."""

    def _propose(self, lead: Leadership, payload: bytes, now: float) -> int:
        entry = lead.propose(payload, now)
        self._acceptor.accept_own(entry, self._ready)
        return entry.slot

    def _send_proposals(self, lead: Leadership) -> None:
        """One Accept for everything proposed in this turn; the leader's own vote waits for its sync."""
        entries = lead.take_unsent()
        self._broadcast(Accept(lead.ballot, entries, self.decided_through))
        self._after_sync(self.id, Accepted(lead.ballot, tuple(entry.slot for entry in entries)))

    def _on_accepted(self, sender: ReplicaId, message: Accepted, now: float) -> None:
        lead = self._leadership
        if lead is None or message.ballot != lead.ballot:
            return self._ignore("late accepted")
        if sender != self.id:
            lead.heard[sender] = now
        lead.accepted(sender, message.slots)
        through = lead.chosen_through(self.decided_through)
        known = self._acceptor.believe(lead.ballot, through, self._ready)
        assert known, "a leader knows what it proposed"

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
