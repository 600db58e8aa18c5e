"""Ranges that are read a bite at a time, so that all else on the node goes on between two bites.

Rule 1: a read is of one revision, which its first bite fixes; the later ones read the past. Where that is compacted
meanwhile, a read that named neither revision nor time begins anew with the present; another one is refused.
Rule 2: a turn of the driver has two bites at most: one that new reads share, and one for a read that a whole bite was
not enough for. So short reads do not wait for long ones, and the long ones take turns.
Rule 3: `PAGES_MAX` long reads hold rows at a time. The others wait, and have not begun.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import chain
from math import inf

from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.machine import Machine, Refused, Room, Rows, Walk
from ostraka_server.shard import failures
from ostraka_server.shard.answers import Answers, refused, revision_of
from ostraka_server.shard.calls import Call

PAGES_MAX = 4
"""So many long reads of a group are under way; each holds a page of rows."""


class LongRead:
    """One read, on its way."""

    def __init__(self, call: Call, answers: Answers) -> None:
        self.call = call
        self.as_of = -inf
        """The state that is read has all that was acknowledged by then, on the node's clock."""
        self._answers = answers
        self._walk: Walk | None = None
        self._revision = self._read_revision = 0

    def go_on(self, machine: Machine, room: Room, *, as_of: float, ballot_round: int) -> Reply | None:
        """Look at what there is room for; the reply, once all was seen. `as_of`: of the machine's present state."""
        rows = self._rows(machine, as_of)
        if isinstance(rows, Refused):
            return refused(rows)
        assert self._walk is not None, "it has begun"
        found = self._walk.go_on(rows, room)
        if found is None:
            return None
        return self._answers.to_range(
            found, read_revision=self._read_revision, revision=self._revision, ballot_round=ballot_round
        )

    def forget(self) -> None:
        """Hold nothing; begin anew with the next bite."""
        self._walk = None

    def _rows(self, machine: Machine, as_of: float) -> Rows | Refused:
        request = self.call.request
        if self._walk is not None:
            rows = machine.rows_at(self._read_revision)
            if not isinstance(rows, Refused) or request.revision or request.at_unix_ms:
                return rows
        self._walk = self._answers.walk(request)
        self._revision, self._read_revision, self.as_of = machine.revision, revision_of(request, machine), as_of
        return machine.rows_at(self._read_revision)


class LongReads(ABC):
    """One group's on this node."""

    def __init__(self, bite_rows: int) -> None:
        self._bite_rows = bite_rows
        self._new: deque[LongRead] = deque()
        self._under_way: deque[LongRead] = deque()
        self._waiting: deque[LongRead] = deque()

    def __len__(self) -> int:
        return len(self._new) + len(self._under_way) + len(self._waiting)

    def add(self, read: LongRead) -> None:
        """One that has its read point, where it needs one."""
        self._new.append(read)

    def go_on(self, machine: Machine) -> None:
        """The bites of a turn."""
        self._try_new(machine)
        while self._waiting and len(self._under_way) < PAGES_MAX:
            self._under_way.append(self._waiting.popleft())
        if self._under_way:
            read = self._under_way[0]
            is_answered = self._bite(read, machine, Room(self._bite_rows))
            self._under_way.popleft()
            if not is_answered:
                self._under_way.append(read)

    def expire(self, now: float) -> None:
        """Answer the reads whose deadline has passed, and forget all that have their answer."""
        for read in self._all():
            if read.call.deadline <= now:
                read.call.answer(failures.deadline(surely_not_done=True))
        for reads in (self._new, self._under_way, self._waiting):
            left = [read for read in reads if not read.call.is_answered]
            reads.clear()
            reads.extend(left)

    def give_up(self) -> list[Call]:
        """All of them, for somebody else to answer."""
        calls = [read.call for read in self._all()]
        for reads in (self._new, self._under_way, self._waiting):
            reads.clear()
        return calls

    @abstractmethod
    def _bite(self, read: LongRead, machine: Machine, room: Room) -> bool:
        """Go on with a read as far as there is room, and answer it where that suffices; whether it has its answer. A
        read for which it raises is still here."""

    def _try_new(self, machine: Machine) -> None:
        room, is_whole = Room(self._bite_rows), True
        while self._new:
            read = self._new[0]
            if self._bite(read, machine, room):
                self._new.popleft()
                is_whole = False
                continue
            if is_whole:  # it will need many more
                self._new.popleft()
                self._keep(read)
            else:  # it has a bite of its own in the next turn
                read.forget()
            return

    def _keep(self, read: LongRead) -> None:
        if len(self._under_way) < PAGES_MAX and not self._waiting:
            self._under_way.append(read)
        else:
            read.forget()
            self._waiting.append(read)

    def _all(self) -> Iterator[LongRead]:
        return chain(self._new, self._under_way, self._waiting)
