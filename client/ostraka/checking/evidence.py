"""What a key's other operations tell about the writes whose outcome nobody told.

Every unknown write left undecided can take effect anywhere after its call, which multiplies the orders to try. The
evidence changes no verdict: it settles what is the same in every order that explains the history.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from .history import Kind, Operation, Outcome
from .register import Effect


def effects(operations: Sequence[Operation]) -> list[Effect]:
    """What an order of one key's operations has to place, and what it may.

    Left out: what failed, gets that answered nothing, and unknown writes that nobody can have noticed.
    """
    evidence = _Evidence(operations)
    placed = []
    for operation in operations:
        if operation.returned is None:
            effect = evidence.settle(operation)
        elif operation.outcome is Outcome.OK:
            effect = Effect(operation, operation.call, operation.returned, operation.revision)
        else:
            effect = None
        if effect is not None:
            placed.append(effect)
    return placed


class _Evidence:
    """What the answered operations of one key noticed, and until when."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._writers = Counter(
            op.value for op in operations if op.kind is Kind.PUT and op.outcome is not Outcome.FAILED
        )
        self._readers: defaultdict[bytes | None, list[Effect]] = defaultdict(list)
        self._present_until = self._absent_until = -math.inf
        for operation in operations:
            if operation.outcome is Outcome.OK and operation.returned is not None:
                self._note(operation, operation.returned)

    def _note(self, operation: Operation, returned: float) -> None:
        if operation.kind is Kind.GET:
            self._readers[operation.value].append(Effect(operation, operation.call, returned, operation.revision))
        if operation.existed is True:
            self._present_until = max(self._present_until, returned)
        if operation.existed is False or (operation.kind is Kind.GET and operation.value is None):
            self._absent_until = max(self._absent_until, returned)

    def settle(self, write: Operation) -> Effect | None:
        """When the unknown write may have taken effect; None if no answer depends on whether it did."""
        undecided = Effect(write, write.call, math.inf, None)
        if write.kind is Kind.GET:
            return None
        if write.kind is Kind.DELETE:
            return undecided if self._absent_until >= write.call else None
        readers = [get for get in self._readers[write.value] if get.before >= write.call]
        if not readers:
            # A delete that found a key may have found this value, unread as it is.
            return undecided if self._present_until >= write.call else None
        if self._writers[write.value] > 1:
            return undecided
        revision = next((get.revision for get in readers if get.revision is not None), None)
        return Effect(write, write.call, min(get.before for get in readers), revision)
