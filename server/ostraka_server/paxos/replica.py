"""One replica of one group. Nothing here awaits, reads a clock, or draws a random number of its own.

Every call changes state and adds to one `Ready`; the driver takes it and obeys: persist, sync, send, apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ostraka_server.paxos.core import ROUND_MAX
from ostraka_server.paxos.electing import Electing
from ostraka_server.paxos.leadership import Transfer
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
from ostraka_server.paxos.ready import Ready
from ostraka_server.paxos.values import Ballot, ReplicaId


class Replica(Electing):
    """See DESIGN.md for the invariants."""

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
        self._note_round(message.ballot)
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

    def resign(self, now: float) -> None:
        """Neither lead nor run until `may_lead` is set again: the state that it would have to serve is lost."""
        self.may_lead = False
        self._campaign = None
        if self._leadership is not None:
            self._step_down(now)

    def install(self, through: int, now: float) -> None:
        """A snapshot of the state through slot `through` was durably installed: go on behind it.

        Ignored while leading, and where it is not ahead: what is known decided here is final.
        """
        if self.leads or through <= self.decided_through:
            return self._ignore("a snapshot that is not ahead")
        self._acceptor.install(through)
        self._catchup.reached(through)
        self._caught_up(now)

    def synced(self, promise: Ballot) -> None:
        """The driver's word that a Ready's promise is durable."""
        self._acceptor.promised_durably = max(promise, self._acceptor.promised_durably)

    def take_at_once(self) -> list[Send]:
        """Of what has gathered, what may leave before anything is synced. The rest stays for `ready`."""
        sends, self._ready.at_once = self._ready.at_once, []
        return sends

    def ready(self) -> Ready:
        """Take what has gathered since the last call."""
        lead = self._leadership
        if lead is not None:
            if lead.unsent:
                self._send_proposals(lead)
            if lead.reads.wants_round and self.serving:
                self._begin_round(lead)
        ready, self._ready = self._ready, Ready()
        return ready


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
