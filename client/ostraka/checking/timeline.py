"""The calls and returns of what is not yet placed, in order of time: a doubly linked list on arrays.

Taking an operation out and putting it back costs the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


class Timeline:
    """Operations are numbered from 0 in order of call; all of them return.

    Entry 0 is head and tail, 1 to n are the calls, n+1 to 2n the returns of the same operations.
    """

    def __init__(self, calls: Sequence[float], returns: Sequence[float]) -> None:
        self._n = n = len(calls)
        # At equal times calls come first: such operations overlap.
        events = [(time, 0, 1 + i) for i, time in enumerate(calls)]
        events += [(time, 1, 1 + n + i) for i, time in enumerate(returns)]
        self._next = [0] * (2 * n + 1)
        self._previous = [0] * (2 * n + 1)
        for left, right in pairwise([0, *(entry for _, _, entry in sorted(events)), 0]):
            self._next[left] = right
            self._previous[right] = left

    def __bool__(self) -> bool:
        """Whether any operation is left."""
        return self._next[0] != 0

    def first(self) -> int:
        """The operation called first, or the number of operations if none is left."""
        return self._next[0] - 1 if self else self._n

    def window(self) -> tuple[list[int], int]:
        """The operations called before the first return, and the one that returns there. Some must be left."""
        calls = []
        entry = self._next[0]
        while entry <= self._n:
            calls.append(entry - 1)
            entry = self._next[entry]
        return calls, entry - self._n - 1

    def remove(self, operation: int) -> None:
        """Take out its call and its return."""
        for entry in (1 + operation, 1 + self._n + operation):
            left, right = self._previous[entry], self._next[entry]
            self._next[left] = right
            self._previous[right] = left

    def restore(self, operation: int) -> None:
        """Undo the last `remove` not yet undone: its entries still know their neighbours."""
        for entry in (1 + self._n + operation, 1 + operation):
            self._next[self._previous[entry]] = entry
            self._previous[self._next[entry]] = entry
