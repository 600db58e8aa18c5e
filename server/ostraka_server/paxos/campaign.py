"""One attempt at leading: ask, prepare, recover.

ASKING      would a quorum promise this ballot? Nothing is burnt yet.
PREPARING   the ballot is promised here and durable; promises are gathered.
RECOVERING  a quorum promised; slots that one of them knows decided are fetched before anything is proposed, and where
            faulty slots leave open what was chosen, more promises are waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from ostraka_server.paxos.messages import Promise
from ostraka_server.paxos.values import Ballot, ReplicaId


class Phase(Enum):
    ASKING = auto()
    PREPARING = auto()
    RECOVERING = auto()


@dataclass(slots=True)
class Campaign:
    """Who supports it and who promised; a replica counts once however often it answers."""

    ballot: Ballot
    quorum: int
    phase: Phase = Phase.ASKING
    grants: set[ReplicaId] = field(default_factory=set)
    promises: dict[ReplicaId, Promise] = field(default_factory=dict)

    def granted(self, replica: ReplicaId) -> bool:
        """Count a grant; whether a quorum has been reached."""
        self.grants.add(replica)
        return len(self.grants) >= self.quorum

    def promised(self, replica: ReplicaId, promise: Promise) -> bool:
        """Count a promise; whether a quorum has been reached."""
        assert promise.ballot == self.ballot
        self.promises[replica] = promise
        return len(self.promises) >= self.quorum

    def most_advanced(self) -> tuple[ReplicaId, int]:
        """The promiser that knows the longest decided prefix, and its end."""
        replica = max(self.promises, key=lambda each: (self.promises[each].decided_through, each))
        return replica, self.promises[replica].decided_through
