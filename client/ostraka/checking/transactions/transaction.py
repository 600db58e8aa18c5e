"""What callers saw of transactions: the steps of each, in order, its reads with their answers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from ..calls import Recorded

Key: TypeAlias = Hashable
Value: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Append:
    """Adds a value to the end of the key's list. No value is ever added twice to one key, by whomever."""

    key: Key
    value: Value

    def __str__(self) -> str:
        return f"append {self.key!r} {self.value!r}"


@dataclass(frozen=True, slots=True)
class ReadList:
    """Read the whole list. A key begins with an empty one."""

    key: Key
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"read {self.key!r} -> {shortened(self.values)}"


@dataclass(frozen=True, slots=True)
class Write:
    """Sets a register. No value is ever written twice to one key."""

    key: Key
    value: Value
    revision: int | None = None
    """The revision that the store gave this version of the key; None if the transaction writes the key again, or
    nobody told."""

    def __str__(self) -> str:
        return f"write {self.key!r} {self.value!r}" + ("" if self.revision is None else f" at {self.revision}")


@dataclass(frozen=True, slots=True)
class ReadValue:
    """Read a register: its value and that version's revision, both None while nothing was written."""

    key: Key
    value: Value | None
    revision: int | None = None
    """May be None where the transaction wrote or read the key before."""

    def __str__(self) -> str:
        return f"read {self.key!r} -> {self.value!r}" + ("" if self.revision is None else f" at {self.revision}")


Step: TypeAlias = Append | ReadList | Write | ReadValue


@dataclass(frozen=True, slots=True)
class Transaction(Recorded):
    """One transaction. Reads that were not answered are left out."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"p{self.process} {self.outcome.value}: {', '.join(map(str, self.steps))}"


def shortened(values: tuple[Value, ...]) -> str:
    """A list as text: only the end of a long one, where lists differ."""
    shown = ", ".join(map(repr, values[-8:]))
    return f"[{shown}]" if len(values) <= 8 else f"[...{len(values) - 8} more, {shown}]"
