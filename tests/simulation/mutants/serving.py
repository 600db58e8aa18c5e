"""Bugs in reads, and in what keeps a group going."""

from __future__ import annotations

from unittest.mock import patch

from ostraka_server.paxos import core
from ostraka_server.paxos.leadership import Leadership
from ostraka_server.paxos.messages import Heartbeat
from ostraka_server.paxos.reads import Round
from ostraka_server.paxos.replica import Replica
from tests.simulation.mutants.mutant import Patches, method, sleeping


def reads_before_barrier() -> Patches:
    """A leader confirms reads as soon as it leads."""

    def confirm(self: Replica, lead: Leadership) -> None:
        if confirmed := lead.reads.confirmed():
            self._ready.confirmed.extend((read, confirmed.read_point) for read in confirmed.reads)

    serving: property = vars(core.Core)["serving"]
    assert serving.fget is not None
    return [
        patch.object(Replica, "serving", property(sleeping(serving.fget, lambda self: self.leads))),
        method(Replica, "_confirm_reads", confirm),
    ]


def nonce_constant() -> Patches:
    """Every round for reads of a ballot goes by the same number."""

    def begin_round(self: Replica, lead: Leadership) -> None:
        lead.reads._round = Round(lead.barrier, self.decided_through, tuple(lead.reads._waiting))
        lead.reads._waiting.clear()
        lead.nonce = max(lead.nonce, lead.barrier)
        self._broadcast(Heartbeat(lead.ballot, lead.barrier, self.decided_through))
        self._confirm_reads(lead)

    return [method(Replica, "_begin_round", begin_round)]


def reads_unconfirmed() -> Patches:
    """A leader takes itself for the leader without asking anybody."""

    def read(self: Replica, read: int, now: float) -> None:
        if self.serving:
            self._ready.confirmed.append((read, self.decided_through))
        else:
            self._ready.failed_reads.append(read)

    return [method(Replica, "read", read)]
