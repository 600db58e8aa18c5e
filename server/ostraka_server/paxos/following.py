"""What a replica does under another one's ballot: accept, acknowledge, believe what is decided, fetch and serve."""

from __future__ import annotations

from ostraka_server.paxos.core import ROUND_MAX, Core
from ostraka_server.paxos.messages import Accept, Accepted, Decided, Fetch, Heartbeat, HeartbeatAck
from ostraka_server.paxos.ready import ServeDecided
from ostraka_server.paxos.values import Ballot, ReplicaId


class Following(Core):
    """Handlers of a follower."""

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

    def _on_heartbeat(self, sender: ReplicaId, message: Heartbeat, now: float) -> None:
        if message.ballot.replica != sender:
            return self._ignore("ballot of another replica")
        if self._refuse_lower(sender, message.ballot):
            return
        self._hear_leader(sender, message.ballot, now)
        self._believe(sender, message.ballot, message.decided_through, now)
        ack = HeartbeatAck(message.ballot, message.nonce, self.decided_through)
        if self._acceptor.promised_durably == message.ballot:
            self._at_once(sender, ack)  # it claims the promise alone: entries on their way to a slow disk are no matter
        else:
            self._after_sync(sender, ack)

    def _believe(self, leader: ReplicaId, ballot: Ballot, through: int, now: float) -> None:
        if not self._acceptor.believe(ballot, through, self._ready):
            self._catchup.behind(leader, through, now)
        self._catchup.reached(self.decided_through)

    def _on_fetch(self, sender: ReplicaId, message: Fetch, now: float) -> None:
        if not 1 <= message.first <= self.decided_through:
            return self._ignore("fetch of what is not known decided")
        self._ready.serve.append(ServeDecided(sender, message.ballot, message.first, self.decided_through))

    def _on_decided(self, sender: ReplicaId, message: Decided, now: float) -> None:
        if self.leads:
            # Its followers take "decided through" as said of what they accepted under its ballot. Entries that another
            # leader decided meanwhile would pass for its own: it must step down, not learn.
            return self._ignore("a leader learns from nobody")
        slots = [entry.slot for entry in message.entries]
        if not slots or message.first > self.decided_through + 1:
            return self._ignore("decided entries of no use")
        if slots != list(range(message.first, message.first + len(slots))) or slots[-1] > message.decided_through:
            return self._ignore("decided entries with a gap")
        if any(entry.ballot.epoch > self.epoch or entry.ballot.round > ROUND_MAX for entry in message.entries):
            return self._ignore("decided entries of an absurd ballot")
        if not self._catchup.answered(sender, now):
            return self._ignore("decided entries not asked for")
        highest = max(entry.ballot for entry in message.entries)
        if highest > self.ballot:  # learned is accepted: what was promised below it is overtaken
            self._note_round(highest)
            self._follow(highest, now)
        self._acceptor.learn(message.entries, self._ready)
        self._catchup.behind(sender, message.decided_through, now)
        self._catchup.reached(self.decided_through)
        self._caught_up(now)
