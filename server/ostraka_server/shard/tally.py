"""How the calls of a node ended."""

from __future__ import annotations

from collections import Counter

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.distribution import seconds

OPERATIONS = tuple(field.name for field in Command.DESCRIPTOR.oneofs_by_name["request"].fields)
_REASONS = frozenset(Reason.values())


class Tally:
    """Counted since the process started, by words of the API only: what a client sends adds no others."""

    def __init__(self) -> None:
        # What is known beforehand begins at 0: from a counter that appears at 1 nobody can tell the first event.
        self.operations: Counter[tuple[str, int]] = Counter({(operation, 0): 0 for operation in OPERATIONS})
        """By operation and gRPC status code."""
        self.refusals: Counter[Reason.ValueType] = Counter(dict.fromkeys(_REASONS, 0))
        """Those that were answered with an error, by its reason."""
        self.seconds = {operation: seconds() for operation in OPERATIONS}
        """From when a call was taken to its answer, by operation; refused ones were not taken."""

    def count(self, operation: str, reply: Reply, calls: int = 1) -> None:
        """So many calls are answered with it."""
        if not reply.HasField("error"):
            self.operations[operation, 0] += calls
            return
        error = reply.error
        self.operations[operation, error.code] += calls
        reason = error.detail.reason  # a node of another version may name one that is not known here
        self.refusals[reason if reason in _REASONS else Reason.REASON_UNSPECIFIED] += calls
