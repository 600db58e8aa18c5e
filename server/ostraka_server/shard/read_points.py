"""Read points between replicas: a replica that does not lead asks the leader for one, and answers reads itself.

A read point is a slot. Whoever has applied it has the effect of every write that was acknowledged before the point was
asked for: the leader takes it, and has it confirmed, as for reads of its own (`paxos/reads.py`).

Rule 1: a read is covered only by a request that was sent after it arrived; while one is under way, later reads wait for
the next.
Rule 2: a nonce is used once. They count up from a number drawn at random when the process starts, so that no answer to
an earlier life is taken for one to this. A request without an answer is made again under a new nonce; then answers to
the old one count no more.
Rule 3: the leader has a request confirmed by a round that begins after the request arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ostraka_server.paxos import Ballot, ReplicaId

PATIENCE_DOUBLINGS = 4
"""A request may be on its way longer each time that one got no answer in time, up to sixteen times as long."""


@dataclass(frozen=True, slots=True)
class AskReadPoint:
    """Which slot must I have applied, to have all that was acknowledged until now?"""

    ballot: Ballot
    nonce: int


@dataclass(frozen=True, slots=True)
class ReadPoint:
    """For the request of this nonce: this one."""

    ballot: Ballot
    nonce: int
    slot: int


ReadPointMessage = AskReadPoint | ReadPoint


@dataclass(frozen=True, slots=True)
class _Request:
    nonce: int
    leader: ReplicaId
    due: float


class Asking:
    """A replica's own requests: at most one under way."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._request: _Request | None = None
        self._unanswered = 0

    @property
    def under_way(self) -> bool:
        return self._request is not None

    @property
    def deadline(self) -> float:
        """When the one under way is to be given up."""
        return inf if self._request is None else self._request.due

    def begin(self, nonce: int, leader: ReplicaId, now: float) -> None:
        """A request leaves for `leader`."""
        assert self._request is None, "one at a time"
        patience_s = self._patience_s * 2 ** min(self._unanswered, PATIENCE_DOUBLINGS)
        self._request = _Request(nonce, leader, now + patience_s)

    def give_up(self, leader: ReplicaId | None, now: float) -> int | None:
        """The nonce of the request that need not be waited for any more: it took too long, or another leads by now."""
        request = self._request
        if request is None or (request.leader == leader and now < request.due):
            return None
        self._request = None
        self._unanswered += 1
        return request.nonce

    def answered(self, nonce: int) -> bool:
        """Whether an answer is that to the request under way, which is over then."""
        if self._request is None or self._request.nonce != nonce:
            return False
        self._request = None
        self._unanswered = 0
        return True


class Askers:
    """A leader's: who waits for a read point. Of each replica the latest request counts; it waits for no other."""

    def __init__(self) -> None:
        self._waiting: dict[ReplicaId, AskReadPoint] = {}
        self._confirming: dict[int, dict[ReplicaId, AskReadPoint]] = {}

    def __bool__(self) -> bool:
        """Whether somebody waits for a read to begin."""
        return bool(self._waiting)

    def add(self, replica: ReplicaId, request: AskReadPoint) -> None:
        """A request arrived."""
        self._waiting[replica] = request

    def asked(self, read: int) -> None:
        """What waits is covered by the read of this number."""
        if self._waiting:
            self._confirming[read] = self._waiting
            self._waiting = {}

    def confirmed(self, read: int, slot: int) -> Sequence[tuple[ReplicaId, ReadPoint]]:
        """Whom to tell what, now that the read of this number has its point."""
        asked = self._confirming.pop(read, {})
        return [(replica, ReadPoint(each.ballot, each.nonce, slot)) for replica, each in asked.items()]

    def clear(self) -> None:
        """This replica leads no more: they will ask another."""
        self._waiting.clear()
        self._confirming.clear()
