"""The reads of one replica that wait for a read point: who has it confirmed for them, and how old its state may be.

`pending_reads.py` holds them, `read_points.py` what replicas say about them; this module puts the two to work.
"""

from __future__ import annotations

from collections.abc import Callable

from ostraka.v1.common_pb2 import SERIALIZABLE
from ostraka_server.paxos import Ready, Replica, ReplicaId
from ostraka_server.shard.calls import Call
from ostraka_server.shard.pending_reads import PendingReads
from ostraka_server.shard.read_points import Askers, Asking, AskReadPoint, ReadPointMessage


class ConfirmedReads(PendingReads):
    """Of one group on this node."""

    def __init__(self, replica: Replica, first_nonce: int) -> None:
        super().__init__(first_nonce)
        self._replica = replica
        self._asking = Asking(2 * replica.config.heartbeat_s)
        self._askers = Askers()
        self.tell: Callable[[ReplicaId, ReadPointMessage], None] = _untold
        """Sends a message to another replica, now."""

    @property
    def deadline(self) -> float:
        """When `ask_for_read_point` has something to do."""
        return self._asking.deadline

    def ask_for_read_point(self, now: float, *, lost: bool) -> list[Call]:
        """Once a turn: on behalf of the reads that wait, by a round of its own where this replica leads, else from the
        leader. Gives up the reads that somebody else has to answer; where the state is `lost`, all of them."""
        replica, leader = self._replica, self._replica.leader
        if (given_up := self._asking.give_up(leader, now)) is not None:
            self.ask_again(given_up)
        if replica.leads:
            if self.queued or self._askers:
                number = self.ask(now)
                self._askers.asked(number)
                replica.read(number, now)
            return []
        self._askers.clear()
        elsewhere = self.take_queued(but_local=leader is not None and not lost)
        if self.queued and leader is not None and not self._asking.under_way:
            nonce = self.ask(now)
            self._asking.begin(nonce, leader, now)
            self.tell(leader, AskReadPoint(replica.ballot, nonce))
        return elsewhere

    def hear(self, sender: ReplicaId, message: ReadPointMessage) -> None:
        """Another replica asks for a read point, or answers."""
        if message.ballot.epoch != self._replica.epoch:
            return
        if isinstance(message, AskReadPoint):
            self._askers.add(sender, message)
        elif self._asking.answered(message.nonce):
            self.confirmed(message.nonce, message.slot)

    def take_confirmed(self, ready: Ready) -> None:
        """What the replica's own rounds have confirmed."""
        for number, slot in ready.confirmed:
            self.confirmed(number, slot)
            for replica, message in self._askers.confirmed(number, slot):
                self.tell(replica, message)
        ready.confirmed.clear()

    def may_answer(self, call: Call, revision: int, applied_slot: int, now: float) -> bool:
        """Whether a read that any replica may answer can be answered from the state as it is, so far applied."""
        request = call.request
        if max(request.revision, request.min_revision) > revision:
            return False  # this replica may be behind, or nobody may have come so far yet: a read point tells
        strength: int = request.strength
        return strength == SERIALIZABLE or self._is_within(request.max_staleness_ms, applied_slot, now)

    def _is_within(self, staleness_ms: int, applied_slot: int, now: float) -> bool:
        return self.staleness(applied_slot, now) * 1000 <= staleness_ms


def _untold(to: ReplicaId, message: ReadPointMessage) -> None:
    raise AssertionError("a group needs a driver to send for it")
