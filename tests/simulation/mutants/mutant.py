"""A bug put into the real code on purpose, in memory, and the means to put it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.simulation.faults import Fault
from tests.simulation.tiers import DEFAULT_TIER

Patches = Iterable[AbstractContextManager[Any]]
Function = Callable[..., Any]

WAKES_AT = 40
"""Decided slots from which on a bug is there. Unit tests hardly get so far, and do not find it: what is to be shown is
that the simulator does. (That they find most of these bugs where they are always awake is as it should be.)"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, the faults that bring it out, and the invariants of which one must then be seen to break."""

    invariants: frozenset[str]
    patches: Callable[[], Patches]
    faults: frozenset[Fault] = frozenset()
    number: int | None = None
    """In the table of goals, where it stands there."""
    tier: str = DEFAULT_TIER
    unit_tests: tuple[str, ...] = ("tests/paxos",)
    """Of the package that it changes: they must not notice."""

    def alive(self) -> ExitStack:
        """Within it the bug is there."""
        stack = ExitStack()
        for each in self.patches():
            stack.enter_context(each)
        return stack


def decided_through(holder: Any) -> int:
    """How far the one that a method belongs to knows slots decided."""
    through: int = holder.decided_through
    return through


def sleeping(sound: Function, bug: Function, decided: Callable[..., int] = decided_through) -> Function:
    """`sound` until `decided(first argument)` reaches `WAKES_AT`, from then on `bug`."""

    def either(holder: Any, *arguments: Any, **named: Any) -> Any:
        function = bug if decided(holder) >= WAKES_AT else sound
        return function(holder, *arguments, **named)

    return either


def method(
    owner: type, name: str, bug: Function, decided: Callable[..., int] = decided_through
) -> AbstractContextManager[Any]:
    """A method in whose place the bug stands once it is awake."""
    return patch.object(owner, name, sleeping(getattr(owner, name), bug, decided))
