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

    def read(self, call: Call, machine: Machine) -> None:
        """Answer it from the present state, or take it for `go_on` if that may take long."""
        request = call.request
        if call.kind in READS and request.min_revision > machine.revision:
            message = f"min_revision is {request.min_revision}, and the shard has come to {machine.revision}"
            call.answer(failures.future_revision(message))
        elif call.walks:
            self.add(LongRead(call, self._answers))
        else:
            reply = self._answers.to_read(call, machine, self._replica.ballot.round)
            self._answer(call, reply, self._reads.as_of(machine.applied_slot))

    def _bite(self, read: LongRead, machine: Machine, room: Room) -> bool:
        if not read.call.is_answered:
            as_of, ballot_round = self._reads.as_of(machine.applied_slot), self._replica.ballot.round
            reply = read.go_on(machine, room, as_of=as_of, ballot_round=ballot_round)
            if reply is not None:
                self._answer(read.call, reply, read.as_of)
        return read.call.is_answered

    def _answer(self, call: Call, reply: Reply, as_of: float) -> None:
        """Of a bounded one, tell how old the state is that it saw."""
        if call.kind in READS and call.request.strength == BOUNDED and not reply.HasField("error"):
            answer = reply.get if call.kind == "get" else reply.range
            answer.staleness_ms = ceil((self._now() - as_of) * 1000)
        call.answer(reply)
