"""What one key means, one operation after another: put always changes it, a delete of nothing does not.

A state stands for every register that the operations so far allow. They agree on the value; where the revision of the
last change was never told, they differ in it, and `revision` is the least.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple

from .history import Kind, Operation


class Unread(Enum):
    """Stands for the values that no get returned: nothing can tell one of them from another."""

    UNREAD = "a value that nobody read"


UNREAD: Literal[Unread.UNREAD] = Unread.UNREAD


class Register(NamedTuple):
    """A key between two operations."""

    value: bytes | Unread | None
    """None: absent."""
    revision: int
    """Of the last change, or the least it can be. The next change is above it."""
    exact: bool
    """Whether `revision` is the last change's own."""


ABSENT = Register(None, 0, False)
"""How every key begins."""


class Effect(NamedTuple):
    """An operation to be placed at one instant of [call, before]: answered, or a write that may have happened."""

    operation: Operation
    call: float
    before: float
    """Infinite if the operation may as well be left out."""
    value: bytes | Unread | None
    """What the key holds after it."""
    revision: int | None
    """As the operation tells it, or as others give it away."""


class RegisterModel:
    """The model of one key for `wgl.search`."""

    initial = ABSENT

    def step(self, state: Register, effect: Effect) -> Register | None:
        """The state after the effect, or None if its answer cannot come from `state`."""
        operation = effect.operation
        if operation.kind is Kind.GET:
            return _get(state, effect.value, effect.revision)
        if operation.kind is Kind.DELETE:
            return _delete(state, operation.existed, effect.revision)
        if effect.value is UNREAD and state.value is not None:
            return None  # of no use: all that can follow it can follow the present value as well
        return _change(state, effect.value, effect.revision)

    def is_read(self, effect: Effect) -> bool:
        """Whether it leaves the key alone in whatever state it is possible."""
        return effect.operation.kind is Kind.GET or effect.operation.existed is False


def _get(state: Register, value: bytes | Unread | None, revision: int | None) -> Register | None:
    if value != state.value:
        return None
    if revision is None or (state.exact and revision == state.revision):
        return state
    if state.exact or revision < state.revision:
        return None
    return Register(value, revision, True)


def _delete(state: Register, existed: bool | None, revision: int | None) -> Register | None:
    exists = state.value is not None
    if existed is not None and existed is not exists:
        return None
    return _change(state, None, revision) if exists else state


def _change(state: Register, value: bytes | Unread | None, revision: int | None) -> Register | None:
    if revision is None:
        return Register(value, state.revision + 1, False)
    if revision <= state.revision:
        return None
    return Register(value, revision, True)
