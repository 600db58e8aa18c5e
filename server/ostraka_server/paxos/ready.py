"""What a replica wants done after it was stepped. The driver obeys in the order of the fields."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from ostraka_server.paxos.messages import Send
from ostraka_server.paxos.values import Ballot, Entry, ReplicaId


@dataclass(frozen=True, slots=True)
class ServeDecided:
    """Read decided entries of [first, through] from the log and send them in a `Decided`, as many as fit."""

    to: ReplicaId
    ballot: Ballot
    first: int
    through: int


@dataclass(slots=True, init=False)
class Ready:
    """One turn's output of one replica.

    1. `at_once` may go before anything below is done: none of it claims that something is durable.
    2. `promise`, `entries` and `learned` are appended to the log, then one sync makes them durable.
    3. Only after that sync `after_sync` is sent and `decided` applied; but what `take_durable` gives need not wait for
       it, nor does `confirmed`, which is answered once its read point is applied.
    4. Messages to the replica itself stand in `after_sync` only: its own vote counts once it is durable.
    """

    at_once: list[Send]
    promise: Ballot | None
    entries: list[Entry]
    """Accepted: each is a vote of this replica."""
    learned: list[Entry]
    """Fetched from others as decided: logged like entries, but no votes, and of any ballot."""
    after_sync: list[Send]
    decided: list[Entry]
    """Without gaps, each slot once, in order, over the replica's life."""
    serve: list[ServeDecided]
    confirmed: list[tuple[int, int]]
    """(read, read point): the read may be answered from state that has applied through the read point."""
    failed_reads: list[int]
    """Reads that this replica can no longer confirm: it does not lead any more."""

    def __init__(self) -> None:
        """Nothing yet. By hand: every turn of every replica makes one, and `dataclass` takes twice as long."""
        self.at_once = []
        self.promise = None
        self.entries = []
        self.learned = []
        self.after_sync = []
        self.decided = []
        self.serve = []
        self.confirmed = []
        self.failed_reads = []

    def must_sync(self) -> bool:
        """Whether anything has to be durable before the rest may happen."""
        return self.promise is not None or bool(self.entries) or bool(self.learned)

    def take_durable(self) -> Sequence[Entry]:
        """Give up what of `decided` does not wait for this sync: entries that an earlier one made durable here."""
        unsynced = min((entry.slot for entry in (*self.entries, *self.learned)), default=None)
        end = len(self.decided)
        if unsynced is not None:
            end = bisect_left(self.decided, unsynced, key=lambda entry: entry.slot)
        durable, self.decided = self.decided[:end], self.decided[end:]
        return durable

    def __bool__(self) -> bool:
        return bool(
            self.at_once or self.promise or self.entries or self.learned or self.after_sync
            or self.decided or self.serve or self.confirmed or self.failed_reads
        )  # fmt: skip
