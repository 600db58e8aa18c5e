"""One shard, as naively as can be: every state that it ever was in is kept whole, by revision.

Written from what proto/ostraka/v1 says, never from the code that is compared with it. It speaks the API's messages; of
a header it knows the revision alone, and of an error its reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ostraka.v1.common_pb2 import KeyValue, Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import DeleteRequest, PutRequest
from tests.model.ranges import answer, malformed, within

State = dict[bytes, KeyValue]
"""What exists, by key. Never changed once it is a shard's."""


class Refusal(NamedTuple):
    """What is told of an error."""

    reason: Reason.ValueType
    compact_revision: int = 0


Outcome = Reply | Refusal
INVALID = Refusal(Reason.INVALID)


class Shard:
    """Everything since the beginning."""

    def __init__(self) -> None:
        self.states: list[State] = [{}, {}]  # an empty shard is at revision 1; there is no revision 0

    @property
    def revision(self) -> int:
        return len(self.states) - 1

    def write(self, command: Command) -> Outcome:
        """What a command of an entry answers."""
        request = requested(command)
        if not isinstance(request, PutRequest | DeleteRequest) or malformed(request):
            return INVALID
        draft = Draft(self.states[-1], self.revision)
        reply = Reply()
        if isinstance(request, PutRequest):
            draft.put(request, reply.put)
        else:
            draft.delete(request, reply.delete)
        if draft.changed:
            self.states.append(draft.state)
        return reply

    def read(self, command: Command) -> Outcome:
        """What a request that does not enter the log answers."""
        request = requested(command)
        if malformed(request):
            return INVALID
        reply = Reply()
        state = self.states[-1]
        if command.HasField("get"):
            reply.get.header.revision = reply.get.read_revision = self.revision
            if request.key in state:
                reply.get.kv.CopyFrom(state[request.key])
        else:
            reply.range.header.revision = reply.range.read_revision = self.revision
            answer(request, state, reply.range)
        return reply


class Draft:
    """What a write makes of a state, under the revision that follows."""

    def __init__(self, state: State, revision: int) -> None:
        self.state = dict(state)
        self.changed = False
        self._before = revision

    @property
    def revision(self) -> int:
        return self._before + self.changed

    def put(self, request: PutRequest, response: Any) -> None:
        before = self.state.get(request.key)
        self.changed = True
        if before is not None and request.prev_kv:
            response.prev_kv.CopyFrom(before)
        self.state[request.key] = KeyValue(
            key=request.key,
            value=request.value,
            create_revision=before.create_revision if before else self.revision,
            mod_revision=self.revision,
            version=before.version + 1 if before else 1,
        )
        response.header.revision = self.revision

    def delete(self, request: DeleteRequest, response: Any) -> None:
        doomed = [self.state.pop(key) for key in sorted(self.state) if within(key, request)]
        self.changed |= bool(doomed)
        response.deleted = len(doomed)
        if request.prev_kv:
            response.prev_kvs.extend(doomed)
        response.header.revision = self.revision


def requested(command: Command) -> Any:
    """The request in the envelope; None where there is none."""
    kind = command.WhichOneof("request")
    return None if kind is None else getattr(command, kind)
