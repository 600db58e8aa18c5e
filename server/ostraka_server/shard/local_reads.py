"""Reads answered from the state of a replica's own machine, at once or in bites, once they may be."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from ostraka.v1.common_pb2 import BOUNDED
from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.machine import Machine, Room
from ostraka_server.paxos import Replica
from ostraka_server.shard import failures
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.calls import READS, Call
from ostraka_server.shard.confirmed_reads import ConfirmedReads
from ostraka_server.shard.long_reads import LongRead, LongReads


class LocalReads(LongReads):
    """One group's on this node. Whatever a read of the machine raises is the caller's."""

    def __init__(
        self, answers: Answers, reads: ConfirmedReads, replica: Replica, now: Callable[[], float], bite_rows: int
    ) -> None:
        super().__init__(bite_rows)
        self._answers = answers
        self._reads = reads
        self._replica = replica
        self._now = now

    def read(self, call: Call, machine: Machine) -> bool:
        """Answer it from the present state, or take it for `go_on` if that may take long; whether it was answered."""
        request = call.request
        if call.kind in READS and request.min_revision > machine.revision:
            message = f"min_revision is {request.min_revision}, and the shard has come to {machine.revision}"
            call.answer(failures.future_revision(message))
        elif call.walks:
            self.add(LongRead(call, self._answers))
            return False
        else:
            reply = self._answers.to_read(call, machine, self._replica.ballot.round)
            if call.is_local_read:
                self._tell_staleness(call, reply, self._reads.as_of(machine.applied_slot))
            call.answer(reply)
        return True

    def _bite(self, read: LongRead, machine: Machine, room: Room) -> bool:
        if not read.call.is_answered:
            as_of, ballot_round = self._reads.as_of(machine.applied_slot), self._replica.ballot.round
            reply = read.go_on(machine, room, as_of=as_of, ballot_round=ballot_round)
            if reply is not None:
                self._tell_staleness(read.call, reply, read.as_of)
                read.call.answer(reply)
        return read.call.is_answered

    def _tell_staleness(self, call: Call, reply: Reply, as_of: float) -> None:
        """Of a bounded one, tell how old the state is that it saw."""
        if call.request.strength == BOUNDED and not reply.HasField("error"):
            answer = reply.get if call.kind == "get" else reply.range
            answer.staleness_ms = ceil((self._now() - as_of) * 1000)
