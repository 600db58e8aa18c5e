"""What a key's operations tell about each other, before any order is tried.

The search is exponential in what is undecided at one time. Here is settled what is the same in every order that
explains the history, so no verdict changes: `settle` does so for writes of unknown outcome, `narrow` for changes
whose revision is known.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from .calls import Outcome
from .history import Kind, Operation
from .register import UNREAD, Effect


def settle(operations: Sequence[Operation]) -> list[Effect]:
    """What an order of one key's operations has to place, and what it may.

    Left out: what failed, gets that answered nothing, and unknown writes that nobody can have noticed. An unknown write
    whose value was read, and put by no other, did happen: before the first who read it returned.
    """
    noticed = _Noticed(operations)
    settled = []
    for operation in operations:
        if operation.returned is None:
            effect = noticed.unknown(operation)
            if effect is not None:
                settled.append(effect)
        elif operation.outcome is Outcome.OK:
            effect = Effect(operation, operation.call, operation.returned, operation.value, operation.revision)
            settled.append(effect)
    return settled


def narrow(effects: Iterable[Effect]) -> list[Effect]:
    """The same effects, the changes of known revision held to the order of revisions by their times.

    A change comes after everything of a lower revision was called, before anything of a higher one returned and before
    any get that read it did. Equal times stay in the order of revisions. Times that contradict revisions stay.
    """
    ordered = sorted(effects, key=_by_revision)
    from_the_end = list(_before_higher(reversed(ordered)))
    narrowed = list(_after_lower(reversed(from_the_end)))
    return narrowed if all(effect.call <= effect.before for effect in narrowed) else ordered


class _Noticed:
    """What the answered operations of one key noticed, and until when."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._writers = Counter(
            op.value for op in operations if op.kind is Kind.PUT and op.outcome is not Outcome.FAILED
        )
        self._readers: defaultdict[bytes | None, list[tuple[float, int | None]]] = defaultdict(list)
        self._present_until = self._absent_until = -math.inf
        for operation in operations:
            if operation.outcome is Outcome.OK and operation.returned is not None:
                self._note(operation, operation.returned)

    def _note(self, operation: Operation, returned: float) -> None:
        if operation.kind is Kind.GET:
            self._readers[operation.value].append((returned, operation.revision))
        if operation.existed is True:
            self._present_until = max(self._present_until, returned)
        if operation.existed is False or (operation.kind is Kind.GET and operation.value is None):
            self._absent_until = max(self._absent_until, returned)

    def unknown(self, write: Operation) -> Effect | None:
        """When the unknown write can have taken effect; None if no answer depends on it, as none does on a get."""
        undecided = Effect(write, write.call, math.inf, write.value, None)
        if write.kind is Kind.GET:
            return None
        if write.kind is Kind.DELETE:
            return undecided if self._absent_until >= write.call else None
        readers = [reader for reader in self._readers[write.value] if reader[0] >= write.call]
        if not readers:
            # A delete may have found it, unread as it is.
            return undecided._replace(value=UNREAD) if self._present_until >= write.call else None
        if self._writers[write.value] > 1:
            return undecided
        revision = next((revision for _, revision in readers if revision is not None), None)
        return undecided._replace(before=min(returned for returned, _ in readers), revision=revision)


def _by_revision(effect: Effect) -> tuple[float, bool]:
    """A change, then the gets that read it, then the next change; what has no revision comes last."""
    return math.inf if effect.revision is None else effect.revision, effect.operation.kind is Kind.GET


def _after_lower(ordered: Iterable[Effect]) -> Iterator[Effect]:
    """Changes called no earlier than anything before them in the order of revisions."""
    last_call = -math.inf
    for effect in ordered:
        if effect.revision is not None:
            last_call = max(last_call, effect.call)
            if effect.operation.kind is not Kind.GET:
                effect = effect._replace(call=last_call)
        yield effect


def _before_higher(backwards: Iterable[Effect]) -> Iterator[Effect]:
    """Changes that end no later than anything after them in the order of revisions, which is given from its end."""
    first_end = math.inf
    for effect in backwards:
        if effect.revision is not None:
            first_end = min(first_end, effect.before)
            if effect.operation.kind is not Kind.GET:
                effect = effect._replace(before=first_end)
        yield effect
