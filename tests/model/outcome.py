"""What is told of a request: the reply in the API's own message, or why there is none."""

from __future__ import annotations

from typing import NamedTuple

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Reply


class Refusal(NamedTuple):
    """What counts of an error."""

    reason: Reason.ValueType
    compact_revision: int = 0


Outcome = Reply | Refusal

INVALID = Refusal(Reason.INVALID)


class Refused(Exception):
    """Ends a request that changes nothing."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
