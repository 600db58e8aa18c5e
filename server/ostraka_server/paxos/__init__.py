"""Multi-Paxos without I/O. DESIGN.md has the idea and the numbered invariants."""

from ostraka_server.paxos.acceptor import Durable
from ostraka_server.paxos.config import PaxosConfig
from ostraka_server.paxos.ready import Ready, ServeDecided
from ostraka_server.paxos.replica import Replica
from ostraka_server.paxos.values import NO_BALLOT, NO_OP, Ballot, Entry, Faulty, ReplicaId

__all__ = [
    "NO_BALLOT",
    "NO_OP",
    "Ballot",
    "Durable",
    "Entry",
    "Faulty",
    "PaxosConfig",
    "Ready",
    "Replica",
    "ReplicaId",
    "ServeDecided",
]
