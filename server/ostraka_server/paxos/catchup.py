"""Catching up: one fetch at a time, from a replica that is known to be further.

A gap often closes by itself (messages overtake one another), so a follower fetches only after it has been behind
for a while; a candidate, and whoever just got a piece and knows of more, at once.
"""

from __future__ import annotations

from math import inf

from ostraka_server.paxos.values import ReplicaId


class CatchUp:
    """Whom to ask for decided entries, and when."""

    def __init__(self, patience_s: float, answer_timeout_s: float) -> None:
        self.deadline = inf
        """When `due` may say something new."""
        self._patience_s = patience_s
        self._answer_timeout_s = answer_timeout_s
        self._source: ReplicaId | None = None
        self._through = 0
        self._asked: ReplicaId | None = None

    def behind(self, source: ReplicaId, through: int, now: float, *, urgent: bool = False) -> None:
        """`source` knows slots through `through` to be decided; here they are not."""
        self._source = source
        self._through = max(self._through, through)
        if urgent and self._asked is None:
            self.deadline = now
        elif self.deadline == inf:
            self.deadline = now + self._patience_s

    def reached(self, decided_through: int) -> None:
        """The decided prefix here now ends at `decided_through`."""
        if decided_through >= self._through:
            self.stop()

    def stop(self) -> None:
        """Want nothing more."""
        self._source = self._asked = None
        self._through = 0
        self.deadline = inf

    def due(self, now: float) -> ReplicaId | None:
        """The replica to send a Fetch to now, if any. Asks again when an answer stays out."""
        if now < self.deadline or self._source is None:
            return None
        self._asked = self._source
        self.deadline = now + self._answer_timeout_s
        return self._source

    def answered(self, source: ReplicaId, now: float) -> bool:
        """Whether a Decided from `source` was asked for; the next fetch may then go at once."""
        if self._asked != source:
            return False
        self._asked = None
        self.deadline = now
        return True
