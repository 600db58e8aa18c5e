"""A replica's group on node n1 whose other members, on n2 and n3, are played by the test."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ostraka_server.machine import EMPTY_STATE, Machine
from ostraka_server.machine.base import Base
from ostraka_server.paxos import Ballot, Durable, Entry, PaxosConfig, Ready, Replica, ReplicaId
from ostraka_server.paxos.messages import (
    Accept,
    Accepted,
    Heartbeat,
    HeartbeatAck,
    Message,
    Prepare,
    PrePromise,
    Promise,
)
from ostraka_server.shard.answers import Answers
from ostraka_server.shard.calls import Call
from ostraka_server.shard.group import Group
from ostraka_server.shard.read_points import AskReadPoint, ReadPoint, ReadPointMessage
from tests.machine.bases import DictBase

CONFIG = PaxosConfig()
FIRST_NONCE = 100
ANSWERS = Answers(cluster=77, shard=1, node="n1", range_bytes_max=1000)


class StoppedWall:
    """An `ostraka.clock.WallClock` that always shows the same."""

    def unix_ms(self) -> int:
        return 1_700_000_000_000


def new_group(
    *,
    members: int = 3,
    number: int = 1,
    config: PaxosConfig = CONFIG,
    base: Base | None = None,
    unflushed_max: int = 1000,
    bite_rows: int = 500,
    durable: Durable | None = None,
    base_slot: int = 0,
    now: Callable[[], float] = lambda: 0.0,
) -> Group:
    """Replica 1 of 1 to `members`, at time 0."""
    nodes = {replica: f"n{replica}" for replica in range(1, members + 1)}
    replica = Replica(
        replica=1, epoch=1, members=nodes, config=config, random=Random(1), durable=durable or Durable(), now=0.0
    )
    return Group(
        group=number,
        shard=number,
        replica=replica,
        members=nodes,
        machine=Machine(base or DictBase(), EMPTY_STATE),
        answers=ANSWERS,
        now=now,
        first_nonce=FIRST_NONCE,
        wall=StoppedWall(),
        unflushed_max=unflushed_max,
        bite_rows=bite_rows,
        base=base_slot,
    )


class Script:
    """Turns the group as its driver would, with a disk that takes no time, and plays replicas 2 and 3."""

    def __init__(self, group: Group | None = None) -> None:
        self.group = group or new_group(now=lambda: self.now)
        self.now = 0.0
        self.sent: list[Message] = []
        """Everything of consensus that left for others."""
        self.told: list[tuple[ReplicaId, ReadPointMessage]] = []
        """What else did."""
        self.group.reads.tell = lambda to, message: self.told.append((to, message))
        self.rerouted: list[Call] = []
        self.group.reroute = self.rerouted.append

    @property
    def ballot(self) -> Ballot:
        """What the replica has promised."""
        return self.group.replica.ballot

    def turn(self) -> Ready:
        """One turn; votes for itself are taken in the next."""
        ready = self.group.turn(self.now)
        for send in (*ready.at_once, *ready.after_sync):
            if send.to == 1:
                self.group.receive(1, send.message)
            else:
                self.sent.append(send.message)
        self.group.finish(ready)
        self.group.read_on()
        return ready

    def hear(self, sender: int, message: Message) -> None:
        """A message from replica 2 or 3, for the next turn."""
        self.group.receive(sender, message)

    def elect(self, *accepted: Entry) -> None:
        """Have 2 and 3 promise, having accepted this much, before the replica's own promise is counted."""
        self.now = max(self.now, self.group.replica.deadline)
        replica = self.group.replica
        self.turn()
        asked = Ballot(1, self.ballot.round + 1, 1)
        for other in (2, 3):
            self.hear(other, PrePromise(asked, True, self.ballot, replica.decided_through))
        self.turn()
        for other in (2, 3):
            self.hear(other, Promise(self.ballot, accepted, replica.decided_through))
        self.turn()
        assert replica.leads

    def lead(self) -> None:
        """Be elected and get the barrier decided."""
        self.elect()
        self.accept()
        assert self.group.replica.serving

    def accept(self) -> None:
        """2 accepts all that is proposed; two turns, since the replica's own vote comes back in the second."""
        self.turn()
        pending = range(self.group.replica.decided_through + 1, self.group.replica.decided_through + 100)
        self.hear(2, Accepted(self.ballot, tuple(pending)))
        self.turn()

    def acknowledge(self) -> None:
        """2 answers the latest heartbeat."""
        nonce = max(m.nonce for m in self.sent if isinstance(m, Heartbeat))
        self.hear(2, HeartbeatAck(self.ballot, nonce, self.group.replica.decided_through))
        self.turn()

    def deposed(self) -> Ballot:
        """2 asks for promises under a higher ballot, which is given."""
        ballot = Ballot(1, self.ballot.round + 1, 2)
        self.hear(2, Prepare(ballot, self.group.replica.decided_through + 1))
        self.turn()
        assert not self.group.leads
        return ballot

    def tell_read_point(self, slot: int) -> None:
        """2 answers the latest request for a read point."""
        to, message = self.told[-1]
        assert to == 2
        assert isinstance(message, AskReadPoint)
        self.group.hear(2, ReadPoint(message.ballot, message.nonce, slot))

    def led_by_2(self, *payloads: bytes) -> None:
        """2 leads and has these payloads decided, from the first slot not decided here on."""
        ballot = Ballot(1, self.ballot.round + 1, 2)
        first = self.group.replica.decided_through + 1
        entries = tuple(Entry(slot, ballot, payload) for slot, payload in enumerate(payloads, first))
        self.hear(2, Accept(ballot, entries, 0))
        self.turn()
        self.hear(2, Heartbeat(ballot, 1, first + len(payloads) - 1))
        self.turn()

    def proposed(self) -> list[Entry]:
        """Every entry that was proposed, once."""
        entries = [entry for m in self.sent if isinstance(m, Accept) for entry in m.entries]
        return sorted(dict.fromkeys(entries))
