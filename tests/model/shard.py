"""One shard, as naively as can be: every state that it ever was in is kept whole, by revision.

Written from what proto/ostraka/v1 says, never from the code that is compared with it. It speaks the API's messages; of
a header it knows the revision alone, and of an error its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from tests.model.draft import Draft, State
from tests.model.outcome import INVALID, Outcome, Refusal, Refused
from tests.model.sessions import Sessions
from tests.model.shape import malformed

OF_THE_SESSIONS = ("register", "close")
WRITES = ("put", "delete", "txn", "compact", *OF_THE_SESSIONS)
READS = ("get", "range", "txn")


class Shard:
    """Everything since the beginning. Where what is answered is not known for sure, all that it may be is given."""

    def __init__(self) -> None:
        self.states: list[State] = [{}, {}]  # an empty shard is at revision 1; there is no revision 0
        self.compact_revision = 0
        self.sessions = Sessions()
        self._made: list[tuple[int, int]] = []  # when a revision was made, and which

    @property
    def revision(self) -> int:
        return len(self.states) - 1

    def execute(self, wall_ms: int, commands: Sequence[Command]) -> list[list[Outcome]]:
        """What the commands of an entry are answered. Time does not run back, whatever the entry's says."""
        before = self.revision
        outcomes = [self._once(command) for command in commands]
        if self.revision > before:
            self._made.append((max([wall_ms, *(made for made, _ in self._made[-1:])]), self.revision))
        return outcomes

    def _once(self, command: Command) -> list[Outcome]:
        if command.client:
            return self.sessions.once(command, lambda: self._write(command))
        return [self._write(command)]

    def _write(self, command: Command) -> Outcome:
        kind = command.WhichOneof("request")
        if kind not in WRITES or malformed(requested(command)) or (command.client and kind in OF_THE_SESSIONS):
            return INVALID
        own = {"compact": self._compact, "register": self._register, "close": self._close}
        return own[kind](getattr(command, kind)) if kind in own else self._perform(command)

    def read(self, command: Command) -> list[Outcome]:
        """What a request that does not enter the log is answered."""
        request = requested(command)
        if command.WhichOneof("request") not in READS or malformed(request):
            return [INVALID]
        if not getattr(request, "at_unix_ms", 0):
            return [self._perform(command)]
        return [self._perform(_as_of(revision, command)) for revision in self._revisions_at(request.at_unix_ms)]

    def _perform(self, command: Command) -> Outcome:
        draft, reply = Draft(self.states[-1], self.revision, self._at), Reply()
        try:
            draft.perform(command, reply)
        except Refused as refused:
            return refused.refusal
        if draft.changed:
            self.states.append(draft.state)
        return reply

    def _at(self, revision: int) -> State:
        if revision > self.revision:
            raise Refused(Refusal(Reason.FUTURE_REVISION))
        if revision < self.compact_revision:
            raise Refused(Refusal(Reason.COMPACTED, self.compact_revision))
        return self.states[revision]

    def _register(self, request: Any) -> Outcome:
        reply = Reply()
        reply.register.header.revision = self.revision
        return reply if self.sessions.register(request.client) else INVALID

    def _close(self, request: Any) -> Outcome:
        self.sessions.close(request.client)
        reply = Reply()
        reply.close.header.revision = self.revision
        return reply

    def _compact(self, request: Any) -> Outcome:
        if request.revision > self.revision:
            return Refusal(Reason.FUTURE_REVISION)
        if request.revision <= self.compact_revision:
            return Refusal(Reason.COMPACTED, self.compact_revision)
        self.compact_revision = request.revision
        reply = Reply()
        reply.compact.header.revision = self.revision
        return reply

    def _revisions_at(self, unix_ms: int) -> range:
        """Which revisions may be taken for the last one made by then: it, or one that was the last a second before."""
        second = unix_ms // 1000 * 1000
        made = [[revision for at, revision in self._made if at <= limit] for limit in (second - 1, unix_ms)]
        earliest, latest = (max(revisions, default=1) for revisions in made)
        return range(earliest, latest + 1)


def _as_of(revision: int, command: Command) -> Command:
    """The same read of a revision instead of a time."""
    copy = Command()
    copy.CopyFrom(command)
    request = requested(copy)
    request.at_unix_ms, request.revision = 0, revision
    return copy


def requested(command: Command) -> Any:
    """The request in the envelope; None where there is none."""
    kind = command.WhichOneof("request")
    return None if kind is None else getattr(command, kind)
