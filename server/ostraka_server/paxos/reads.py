"""Confirmed reads: a read point is taken, then a quorum round shows that no other leader can have gone past it.

Rule 1: a read is covered only by a round that began after the read arrived; later ones wait for the next round.
Rule 2: the read point is taken before the round's messages leave.
Rule 3: an answer to nonce n confirms every round with a nonce up to n: it was given later than all of them began.
Rule 4: nonces only rise within a ballot. (etcd #20418: an id used again on retry, and an answer to the first try in
flight, gave a stale read.)
Ongaro, "Consensus: Bridging Theory and Practice", section 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ostraka_server.paxos.values import ReplicaId


@dataclass(frozen=True, slots=True)
class Round:
    """Reads that wait for a quorum's answers to this nonce or a later one."""

    nonce: int
    read_point: int
    reads: tuple[int, ...]


class ReadRounds:
    """A leader's reads: those that wait for a round, and the one round under way."""

    def __init__(self, others_needed: int) -> None:
        self._others_needed = others_needed  # answers of others that make a quorum with the leader itself
        self._waiting: list[int] = []
        self._round: Round | None = None
        self._answered: dict[ReplicaId, int] = {}

    def add(self, read: int) -> None:
        """A read arrived."""
        self._waiting.append(read)

    @property
    def wants_round(self) -> bool:
        """Whether a round should begin now."""
        return self._round is None and bool(self._waiting)

    def begin(self, nonce: int, read_point: int) -> None:
        """Begin a round for every waiting read. The caller sends `nonce` to all others after this."""
        assert self.wants_round
        assert nonce > max(self._answered.values(), default=0), "a nonce used before"
        self._round = Round(nonce, read_point, tuple(self._waiting))
        self._waiting.clear()

    def answered(self, replica: ReplicaId, nonce: int) -> None:
        """`replica` answered `nonce` under the leader's ballot."""
        self._answered[replica] = max(nonce, self._answered.get(replica, 0))

    def confirmed(self) -> Round | None:
        """The round under way, once a quorum has answered it; it is over then."""
        current = self._round
        if current is None:
            return None
        answers = sum(nonce >= current.nonce for nonce in self._answered.values())
        if answers < self._others_needed:
            return None
        self._round = None
        return current

    def abandon(self) -> Iterable[int]:
        """The leadership is over: all reads that were not confirmed."""
        unconfirmed = (*(self._round.reads if self._round else ()), *self._waiting)
        self._round = None
        self._waiting.clear()
        return unconfirmed
