"""Every way a call can fail, as a tree that says what to do next.

- `Retryable`: not done (or only a read). The SDK has already tried until the call's deadline; trying later is safe.
- `Permanent`: not done, and the same call fails again until something else changes.
- `OutcomeUnknown`: a write that may or may not have taken effect. Read before writing again.
- `AnswerLost`: a write that took effect, once, but whose answer is gone.

`from_wire` maps what the servers send, a gRPC status and an `ostraka.v1.ErrorDetail`, by the one table `TABLE`.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Error


class Status(enum.IntEnum):
    """The gRPC status codes that Ostraka gives a meaning to."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class OstrakaError(Exception):
    """A call that failed. `str()` says what happened, why, and the remedy, which says whether to retry."""

    what: ClassVar[str]
    remedy: ClassVar[str]
    refusal: ClassVar[bool] = False
    """True: a server says this only of a request that it did not carry out."""

    def __init__(self, why: str, *, detail: pb.ErrorDetail | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.detail: Final = detail if detail is not None else pb.ErrorDetail()
        """As the server sent it; all defaults where it sent none."""

    def __str__(self) -> str:
        return f"{self.what}: {self.why}. {self.remedy}"


class Retryable(OstrakaError):
    """Had no effect, and may succeed later."""

    what = "not possible now"
    remedy = "Nothing was changed; it is safe to try again later."


class Permanent(OstrakaError):
    """Had no effect, and will not succeed if it is merely repeated."""

    what = "refused"
    remedy = "Do not repeat it as it is."


class OutcomeUnknown(OstrakaError):
    """A write was sent, and when its time was up no answer had told what became of it. Up to then the SDK has sent it
    again and again: it takes effect once at most."""

    what = "outcome unknown"
    remedy = "It may or may not have taken effect: read before you write again."


class AnswerLost(OstrakaError):
    """A write was sent again after its connection broke. It had taken effect the first time; its answer, keys and
    values of before, was too large for the servers to keep."""

    what = "answer lost"
    remedy = "The write took effect, once: read what you need of it, and do not repeat it."


class NoLeader(Retryable):
    """No node could be found that leads the key's shard."""

    what = "no leader"
    remedy = (
        "Try again: a leader is elected within seconds while most of the shard's nodes are up; check `ostraka status`."
    )


class NodeNotReady(Retryable):
    """The node is starting or stopping, and no other node answered in time."""

    what = "node not ready"
    remedy = "Try again, or give the client more endpoints; check `ostraka status`."


class Overloaded(Retryable):
    """A bounded queue is full, on the server or in this client."""

    what = "overloaded"
    remedy = "Nothing was changed; try again after `retry_after` seconds, with fewer calls at a time."

    @property
    def retry_after(self) -> float:
        """Seconds to wait before the next try; 0.0 where the server gave no advice."""
        return float(self.detail.retry_after_ms) / 1000


class DeadlineExceeded(Retryable):
    """The call's time was up. It surely had no effect, or was a read (else it is `OutcomeUnknown`)."""

    what = "deadline exceeded"
    remedy = "Nothing was changed; try again, with a longer timeout= if the cluster is slow or far away."


class ConnectionLost(Retryable):
    """No node could be reached, or the connection broke before the answer to a read."""

    what = "connection lost"
    remedy = "Check that the endpoints are right and the nodes run; it is safe to try again."


class WrongShard(Retryable):
    """The layout of shards kept changing while the call looked for its shard."""

    what = "wrong shard"
    remedy = "Nothing was changed; try again: the client has asked for the new layout."


class SessionExpired(Retryable):
    """The servers forgot this client, for too many others came since. The SDK goes on as a new one."""

    what = "session expired"
    remedy = "Nothing was changed; try again."
    refusal = True


class InvalidRequest(Permanent):
    """The request is malformed, for example an empty key."""

    what = "invalid request"
    remedy = "Correct the request; repeating it cannot help."
    refusal = True


class TooLarge(Permanent):
    """Over a limit; the text names it."""

    what = "too large"
    remedy = "Send or ask for less at once, or raise the limit on the servers."


class Compacted(Permanent):
    """The revision asked for is older than the history that is kept."""

    what = "compacted"
    remedy = "Ask for `compact_revision` or later, or keep more history on the servers."
    refusal = True

    @property
    def compact_revision(self) -> int:
        """The oldest revision that can still be read."""
        return self.detail.compact_revision


class FutureRevision(Permanent):
    """The revision asked for has not been made yet."""

    what = "future revision"
    remedy = "Check where it comes from: revisions of one shard or cluster mean nothing to another."
    refusal = True


class NoSuchShard(Permanent):
    """The cluster has no shard of that number."""

    what = "no such shard"
    remedy = "See `ostraka shards` for those there are."
    refusal = True


class NoSuchNode(Permanent):
    """The cluster has no node of that name."""

    what = "no such node"
    remedy = "See `ostraka members` for those there are."
    refusal = True


class Unsupported(Permanent):
    """What answers does not offer this call."""

    what = "unsupported"
    remedy = "Check that the endpoint is the client address of an Ostraka node, of this version or newer."
    refusal = True


class ServerFault(Permanent):
    """The answer makes no sense or reports a fault: a bug, here or on the server."""

    what = "server fault"
    remedy = "See the node's log and report it; repeating the call is unlikely to help."


class ClientClosed(Permanent):
    """The client was closed before or during the call, or does not work in this process, for it was forked too late."""

    what = "client closed"
    remedy = "Make calls with an open client: inside `with Client(...)`, before `close()`."


# What a server's answer becomes: the reason decides; where there is none, the gRPC status does.
TABLE: Final[tuple[tuple[pb.Reason.ValueType | None, Status | None, type[OstrakaError]], ...]] = (
    (pb.INVALID, Status.INVALID_ARGUMENT, InvalidRequest),
    (pb.TOO_LARGE, None, TooLarge),
    (pb.NOT_LEADER, None, NoLeader),
    (pb.NO_LEADER, None, NoLeader),
    (pb.OVERLOADED, Status.RESOURCE_EXHAUSTED, Overloaded),
    (pb.DEADLINE, Status.DEADLINE_EXCEEDED, DeadlineExceeded),
    (pb.EXPIRED, None, SessionExpired),
    (pb.SHUTTING_DOWN, None, NodeNotReady),
    (pb.NOT_READY, None, NodeNotReady),
    (pb.NO_SUCH_SHARD, None, NoSuchShard),
    (pb.NO_SUCH_NODE, None, NoSuchNode),
    (pb.WRONG_SHARD, None, WrongShard),
    (pb.COMPACTED, None, Compacted),
    (pb.FUTURE_REVISION, None, FutureRevision),
    (pb.ANSWER_LOST, None, AnswerLost),
    (None, Status.UNAVAILABLE, ConnectionLost),
    (None, Status.UNIMPLEMENTED, Unsupported),
    (None, Status.CANCELLED, ConnectionLost),
)
_BY_REASON: Final = {reason: kind for reason, _, kind in TABLE if reason is not None}
_BY_STATUS: Final[dict[int, type[OstrakaError]]] = {status: kind for _, status, kind in TABLE if status is not None}


def from_wire(error: Error, *, write: bool, origin: str) -> OstrakaError:
    """The exception for an error of `origin` (an address). A write is `OutcomeUnknown` unless surely not done."""
    detail = error.detail
    kind = _BY_REASON.get(detail.reason) or _BY_STATUS.get(error.code, ServerFault)
    why = f"{error.message or 'no reason given'} ({origin})"
    if write and not detail.surely_not_done and not (kind.refusal or kind is AnswerLost):
        return OutcomeUnknown(f"{kind.what}: {why}", detail=detail)
    return kind(why, detail=detail)


def to_wire(
    status: Status,
    message: str,
    *,
    reason: pb.Reason.ValueType = pb.REASON_UNSPECIFIED,
    surely_not_done: bool = False,
    retry_after_ms: int = 0,
) -> Error:
    """An error in the shape that servers send, for what goes wrong on this side of the wire."""
    detail = pb.ErrorDetail(reason=reason, surely_not_done=surely_not_done, retry_after_ms=retry_after_ms)
    return Error(code=status, message=message, detail=detail)
