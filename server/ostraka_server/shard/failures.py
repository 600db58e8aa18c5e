"""Every refusal that a node gives, in one place: gRPC code, reason, and whether the request surely had no effect.

A message names the thing, the reason and the remedy.
"""

from __future__ import annotations

from ostraka.v1.common_pb2 import ErrorDetail, Reason
from ostraka.v1.exchange_pb2 import Error, Reply

# gRPC status codes; this package does not import grpc
CANCELLED = 1
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
OUT_OF_RANGE = 11
UNAVAILABLE = 14

RETRY_AFTER_OVERLOAD_MS = 50
RETRY_AFTER_DISK_MS = 1000


def _failure(code: int, message: str, detail: ErrorDetail) -> Reply:
    return Reply(error=Error(code=code, message=message, detail=detail))


def invalid(message: str) -> Reply:
    """The request can never succeed."""
    return _failure(INVALID_ARGUMENT, message, ErrorDetail(reason=Reason.INVALID, surely_not_done=True))


def too_large(message: str) -> Reply:
    """A limit is exceeded; the message names it."""
    return _failure(INVALID_ARGUMENT, message, ErrorDetail(reason=Reason.TOO_LARGE, surely_not_done=True))


def compacted(message: str, compact_revision: int) -> Reply:
    """The revision is older than the history that is kept, from `compact_revision` on."""
    detail = ErrorDetail(reason=Reason.COMPACTED, surely_not_done=True, compact_revision=compact_revision)
    return _failure(OUT_OF_RANGE, message, detail)


def future_revision(message: str) -> Reply:
    """The shard has not come to the revision yet, at least not here."""
    return _failure(OUT_OF_RANGE, message, ErrorDetail(reason=Reason.FUTURE_REVISION, surely_not_done=True))


def expired(message: str) -> Reply:
    """The write's session is not known, or its number was answered for good. Said of this try: of an earlier one of the
    same write it tells nothing."""
    return _failure(FAILED_PRECONDITION, message, ErrorDetail(reason=Reason.EXPIRED, surely_not_done=True))


def answer_lost() -> Reply:
    """The write was sent again. It had taken effect."""
    message = "the write took effect when it came before; the keys and values in its answer were too large to be kept"
    return _failure(FAILED_PRECONDITION, message, ErrorDetail(reason=Reason.ANSWER_LOST))


def not_leader(shard: int, leader: str, address: str) -> Reply:
    """Another node leads. Only for calls that a gateway has already forwarded once."""
    return _failure(
        UNAVAILABLE,
        f"shard {shard} is led by {leader} at {address}: send the request there",
        ErrorDetail(reason=Reason.NOT_LEADER, surely_not_done=True, leader_node=leader, leader_address=address),
    )


def no_leader(shard: int) -> Reply:
    """Nobody is known to lead, and the caller's time is up or it cannot be kept waiting."""
    return _failure(
        UNAVAILABLE,
        f"shard {shard} has no leader that this node knows: a majority may be down or cut off; try again",
        ErrorDetail(reason=Reason.NO_LEADER, surely_not_done=True, retry_after_ms=100),
    )


def no_read_point() -> Reply:
    """A read that any node may answer, where this one cannot tell how recent its own state is."""
    return _failure(
        UNAVAILABLE,
        "this node does not hear from the shard's leader how recent its state is, and may be cut off: ask another node",
        ErrorDetail(reason=Reason.NO_LEADER, surely_not_done=True),
    )


def overloaded(what: str) -> Reply:
    """A bounded queue is full."""
    return _failure(
        RESOURCE_EXHAUSTED,
        f"{what} is full: try again in {RETRY_AFTER_OVERLOAD_MS} ms",
        ErrorDetail(reason=Reason.OVERLOADED, surely_not_done=True, retry_after_ms=RETRY_AFTER_OVERLOAD_MS),
    )


def unread(bytes_max: int) -> Reply:
    """A client sends calls and does not read the replies. Ends its stream: what is under way there may take effect."""
    return _failure(
        RESOURCE_EXHAUSTED,
        f"replies of over unsent_bytes_per_stream_max ({bytes_max} bytes) wait to be read: read them, or ask for less",
        ErrorDetail(reason=Reason.OVERLOADED, retry_after_ms=RETRY_AFTER_OVERLOAD_MS),
    )


def outlived(grace_ms: int) -> Reply:
    """A client goes on with a stream that it was asked to leave. Ends the stream, as `unread` does."""
    return _failure(
        DEADLINE_EXCEEDED,
        f"the stream went on for connection_age_grace_ms ({grace_ms} ms) after it was asked to retire: make a new one",
        ErrorDetail(reason=Reason.DEADLINE),
    )


def disk_low(directory: str, free_bytes: int, needed_bytes: int) -> Reply:
    """A write would use up the reserve of disk space that keeps the node going."""
    return _failure(
        RESOURCE_EXHAUSTED,
        f"the disk of {directory} has {free_bytes} bytes free and writes need {needed_bytes} (disk_reserve_bytes and a "
        f"log segment): free space or enlarge the disk, and writes go on by themselves",
        ErrorDetail(reason=Reason.OVERLOADED, surely_not_done=True, retry_after_ms=RETRY_AFTER_DISK_MS),
    )


def deadline(*, surely_not_done: bool) -> Reply:
    """The call's own deadline passed."""
    outcome = "it had no effect" if surely_not_done else "whether it took or will take effect is unknown"
    detail = ErrorDetail(reason=Reason.DEADLINE, surely_not_done=surely_not_done)
    return _failure(DEADLINE_EXCEEDED, f"the deadline passed; {outcome}", detail)


def withdrawn() -> Reply:
    """The caller wants no answer any more, and gets this one."""
    return _failure(CANCELLED, "the caller withdrew it; whether it took or will take effect is unknown", ErrorDetail())


def connection_lost(node: str, *, surely_not_done: bool) -> Reply:
    """The call was passed on to a node that did not answer."""
    outcome = "the request had no effect" if surely_not_done else "whether the write took effect is unknown"
    detail = ErrorDetail(reason=Reason.NO_LEADER, surely_not_done=surely_not_done, retry_after_ms=100)
    return _failure(UNAVAILABLE, f"the connection to the leader, node {node}, broke; {outcome}", detail)


def outcome_unknown(shard: int) -> Reply:
    """The replica that proposed the write was rebuilt from a snapshot, which does not tell one write from another."""
    detail = ErrorDetail(reason=Reason.NO_LEADER, surely_not_done=False, retry_after_ms=100)
    message = f"the replica of shard {shard} was rebuilt; whether the write took effect is unknown"
    return _failure(UNAVAILABLE, message, detail)


def shutting_down(node: str) -> Reply:
    """The node is being stopped and takes nothing new."""
    detail = ErrorDetail(reason=Reason.SHUTTING_DOWN, surely_not_done=True)
    return _failure(UNAVAILABLE, f"node {node} is shutting down: ask another node", detail)


def not_ready(missing: str) -> Reply:
    """The cluster is still being formed."""
    detail = ErrorDetail(reason=Reason.NOT_READY, surely_not_done=True, retry_after_ms=200)
    return _failure(UNAVAILABLE, f"the cluster is being formed and waits for {missing}; try again", detail)


def loading() -> Reply:
    """The node has just started."""
    detail = ErrorDetail(reason=Reason.NOT_READY, surely_not_done=True, retry_after_ms=200)
    return _failure(UNAVAILABLE, "the node is still reading its stores; try again, or another node", detail)


def no_such_shard(shard: int) -> Reply:
    """The layout has no such shard."""
    detail = ErrorDetail(reason=Reason.NO_SUCH_SHARD, surely_not_done=True)
    return _failure(NOT_FOUND, f"there is no shard {shard}", detail)


def no_such_node(node: str) -> Reply:
    """The group has no replica there."""
    detail = ErrorDetail(reason=Reason.NO_SUCH_NODE, surely_not_done=True)
    return _failure(NOT_FOUND, f"no replica of the shard is on a node {node!r}", detail)


def transfer_failed(shard: int, node: str, why: str) -> Reply:
    """Leadership stayed where it was, or went elsewhere."""
    detail = ErrorDetail(reason=Reason.REASON_UNSPECIFIED)
    return _failure(FAILED_PRECONDITION, f"leadership of shard {shard} did not go to {node}: {why}", detail)
