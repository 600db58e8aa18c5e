"""Clients that number their writes: one that is sent again is answered again, and takes effect once.

For a write under (client, sequence) of a command that also says below which sequence its client wants no more answers
(`answered_below`, which never falls):

Rule 1. Of a client that is not known: EXPIRED. A write never registers its client.
Rule 2. Below `answered_below`: EXPIRED. The answer is gone, so nobody can tell whether it was executed.
Rule 3. Executed before: the same answer, and nothing else.
Rule 4. `SESSION_WINDOW` or more above `answered_below`: INVALID, lest a client makes this table grow without bound.
Rule 5. Else it is executed, and its answer kept, also a refusal.

All bounds here are part of the entry format: replicas must forget the same. DESIGN.md says why a client's number must
never be registered twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from ostraka.v1 import common_pb2
from ostraka_server.machine.effects import Effects
from ostraka_server.machine.records import named
from ostraka_server.machine.results import AnswerLost, Refused, Result, content_bytes
from ostraka_server.machine.session_record import decode, encode

SESSIONS_MAX = 10_000
"""The client that was silent the longest is forgotten for the next."""

SESSION_WINDOW = 16_384
"""Above the calls that an SDK has in flight."""

SESSION_ANSWER_BYTES_MAX = 1 << 20
"""Memory of what the kept answers of a client carry, about: rows, and results of transactions. Of an answer that does
not fit only is kept that there was one."""

SESSIONS_BYTES_MAX = 64 << 20
"""Of all answers together: beyond it, too, silent clients are forgotten."""

ANSWER_BYTES = 250
"""What a kept answer takes beside what it carries, about."""

PREFIX = b"session/"
"""Of the names of the records."""

_UNKNOWN = Refused(common_pb2.EXPIRED, "the client is not registered here, or others came since and it was forgotten")
_PASSED = Refused(common_pb2.EXPIRED, "the client has said that it wants no more answers to writes up to this one")
_TOO_FAR = Refused(
    common_pb2.INVALID, f"the sequence is {SESSION_WINDOW} or more above answered_below: wait for answers first"
)


class Session:
    """A registered client."""

    __slots__ = ("answered_below", "answers", "content_bytes", "used")

    def __init__(self, used: int) -> None:
        self.used = used
        """The number of its last command among those of all sessions."""
        self.answered_below = 1
        self.answers: dict[int, Result] = {}
        """By sequence, none below `answered_below`."""
        self.content_bytes = 0


class Sessions:
    """All clients of a shard, those that were silent the longest first."""

    def __init__(self) -> None:
        self._table: OrderedDict[int, Session] = OrderedDict()
        self._gone: dict[bytes, None] = {}
        self._bytes = 0
        self.evicted = 0
        """Clients forgotten for others, since this machine was made."""
        self.repeats = 0
        """Writes that were answered again, since this machine was made."""
        self._uses = self._recorded = 0

    def load(self, records: Mapping[bytes, bytes]) -> None:
        """As `Part.load`."""
        stored = [(int.from_bytes(name), decode(data)) for name, data in named(records, PREFIX)]
        for client, record in sorted(stored, key=lambda each: each[1].used):
            session = self._table[client] = Session(record.used)
            session.answered_below = record.answered_below
            for sequence, answer in record.answers:
                self._add(session, sequence, answer, content_bytes(answer))
            self._uses = self._recorded = record.used

    def __len__(self) -> int:
        """How many clients are known."""
        return len(self._table)

    def register(self, client: int, effects: Effects) -> Refused | None:
        """Make a client known. `client` is not 0."""
        if client in self._table:
            return Refused(
                common_pb2.INVALID, "the client is registered already: if that is not your doing, draw again"
            )
        self._uses += 1
        self._table[client] = Session(self._uses)
        effects.registered(client)
        if len(self._table) > SESSIONS_MAX:
            self._evict(effects)
        return None

    def close(self, client: int, effects: Effects) -> None:
        """Forget a client, if it is known."""
        if client in self._table:
            self._forget(client)
            effects.forgotten(client)

    def enter(self, client: int, sequence: int, answered_below: int, effects: Effects) -> Session | Result:
        """The session in which to execute this write, to be told of the answer by `keep`; or the answer (rules 1-4)."""
        session = self._table.get(client)
        if session is None:
            return _UNKNOWN
        self._uses = session.used = self._uses + 1
        self._table.move_to_end(client)
        if answered_below > session.answered_below:
            self._drop(session, answered_below)
        answer = session.answers.get(sequence)
        effects.numbered(client, sequence, session.answered_below, again=answer is not None)
        if answer is not None:
            self.repeats += 1
            return answer
        if sequence < session.answered_below:
            return _PASSED
        return session if sequence - session.answered_below < SESSION_WINDOW else _TOO_FAR

    def keep(self, session: Session, sequence: int, answer: Result, effects: Effects) -> None:
        """The write was executed."""
        size = content_bytes(answer)
        if size and session.content_bytes + size > SESSION_ANSWER_BYTES_MAX:
            answer, size = AnswerLost(), 0
        self._add(session, sequence, answer, size)
        while self._bytes > SESSIONS_BYTES_MAX and len(self._table) > 1:
            self._evict(effects)

    def changed(self) -> dict[bytes, bytes | None]:
        """As `Part.changed`."""
        changed: dict[bytes, bytes | None] = dict(self._gone)
        for client, session in reversed(self._table.items()):
            if session.used <= self._recorded:
                break
            changed[_name(client)] = encode(session.used, session.answered_below, session.answers)
        self._gone.clear()
        self._recorded = self._uses
        return changed

    def _add(self, session: Session, sequence: int, answer: Result, size: int) -> None:
        session.answers[sequence] = answer
        session.content_bytes += size
        self._bytes += ANSWER_BYTES + size

    def _drop(self, session: Session, answered_below: int) -> None:
        """Answers below are not wanted any more."""
        answers = session.answers
        gone: Iterable[int] = range(session.answered_below, answered_below)
        if answered_below - session.answered_below > len(answers):  # a client may skip any number of sequences
            gone = [sequence for sequence in answers if sequence < answered_below]
        for sequence in gone:
            answer = answers.pop(sequence, None)
            if answer is not None:
                size = content_bytes(answer)
                session.content_bytes -= size
                self._bytes -= ANSWER_BYTES + size
        session.answered_below = answered_below

    def _evict(self, effects: Effects) -> None:
        client = next(iter(self._table))
        self._forget(client)
        self.evicted += 1
        effects.forgotten(client)

    def _forget(self, client: int) -> None:
        session = self._table.pop(client)
        self._bytes -= session.content_bytes + ANSWER_BYTES * len(session.answers)
        self._gone[_name(client)] = None


def _name(client: int) -> bytes:
    return PREFIX + client.to_bytes(8)
