"""A violation for people: what cannot be placed, what the key held by then, and a picture of the calls around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .calls import Outcome
from .history import Kind, Operation
from .picture import picture, text
from .register import Effect, Register, Unread
from .wgl import Search

ROWS = 16
"""At most so many operations in a picture."""
TAIL = 4
"""So many operations from the end of the longest order are shown even where they overlap nothing."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One key's history has an order until just before `culprit` returned, and none from there on."""

    key: bytes
    culprit: Operation
    order: tuple[Operation, ...]
    """The longest order of what came before: the longest linearizable prefix."""
    held: Register
    """What the key held at the end of that order."""
    window: tuple[Operation, ...]
    """What to look at, in order of call: the culprit, who wrote its value, what overlaps it, the end of the order."""

    @staticmethod
    def of(key: bytes, history: Sequence[Operation], found: Search[Effect, Register]) -> Violation:
        """The explanation of a search through the key's history that found a culprit."""
        assert found.culprit is not None
        culprit = found.culprit.operation
        placed = tuple(effect.operation for effect in found.order)
        writers = [op for op in history if _wrote(op, culprit.value)]
        shown = list(dict.fromkeys([culprit, *writers]))[: ROWS // 2]
        near = [op for op in history if _overlaps(op, found.culprit)]
        others = [op for op in dict.fromkeys([*near, *placed[-TAIL:]]) if op not in shown]
        others.sort(key=_call)
        window = sorted([*shown, *others[len(shown) - ROWS :]], key=_call)
        return Violation(key, culprit, placed, found.state, tuple(window))

    def __str__(self) -> str:
        held = _text(self.held.value)
        if self.held.exact:
            held += f" at revision {self.held.revision}"
        return "\n".join(
            [
                f"key {self.key!r}: no order explains {describe(self.culprit)}",
                *(f"  {hint}" for hint in self._hints()),
                f"  the {len(self.order)} operations that can be placed before leave the key {held}",
                *(f"  {row}" for row in picture(((describe(op), op) for op in self.window), self.culprit)),
            ]
        )

    def _hints(self) -> Iterator[str]:
        """Short answers to the first question that a reader has, where there is one."""
        if self.culprit.outcome is Outcome.UNKNOWN:
            yield "its outcome is unknown, but its value was read by then"
        if self.culprit.kind is not Kind.GET or self.culprit.value is None:
            return
        writers = [op for op in self.window if _wrote(op, self.culprit.value)]
        if not writers:
            yield "nobody put that value"
        elif all(op.outcome is Outcome.FAILED for op in writers):
            yield "every put of that value had failed"
        elif self.culprit.returned is not None and min(map(_call, writers)) > self.culprit.returned:
            yield "that value was put only later"


def describe(operation: Operation) -> str:
    """One operation in a few words, such as `p3 get -> b'a' at revision 7`."""
    asked = f"p{operation.process} {operation.kind.value}"
    if operation.kind is Kind.PUT:
        asked += f" {_text(operation.value)}"
    if operation.outcome is not Outcome.OK:
        return f"{asked} -> {operation.outcome.value}"
    if operation.kind is Kind.GET:
        asked += f" -> {_text(operation.value)}"
    elif operation.existed is not None:
        asked += " -> deleted" if operation.existed else " -> found nothing"
    else:
        asked += " -> ok"
    return asked if operation.revision is None else f"{asked} at revision {operation.revision}"


def _call(operation: Operation) -> float:
    return operation.call


def _overlaps(operation: Operation, culprit: Effect) -> bool:
    """Whether the operation could have taken effect at the same time."""
    ended = operation.returned is not None and operation.returned < culprit.call
    return not ended and operation.call <= culprit.before


def _wrote(operation: Operation, value: bytes | None) -> bool:
    return operation.kind is Kind.PUT and operation.value == value


def _text(value: bytes | Unread | None) -> str:
    return value.value if isinstance(value, Unread) else text(value)
