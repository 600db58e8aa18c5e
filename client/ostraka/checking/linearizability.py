"""Is there one order of all operations that explains every answer and agrees with real time?

Operations on one key concern no other (linearizability is local), so each key is searched by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from .evidence import narrow, settle
from .explain import Violation
from .history import Operation
from .register import RegisterModel
from .wgl import search


class Verdict(Enum):
    """What the check of a history came to."""

    LINEARIZABLE = "linearizable"
    VIOLATION = "violation"
    UNKNOWN = "unknown"
    """The budget ran out before every key was decided."""


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on a history; as text, one line or the explained violation."""

    verdict: Verdict
    operations: int
    keys: int
    steps: int
    """Configurations tried, over all keys."""
    violation: Violation | None = None
    undecided: tuple[bytes, ...] = ()
    """Keys that the budget did not suffice for, fewest operations first."""

    @property
    def ok(self) -> bool:
        """Whether the history surely is linearizable: an unknown verdict is a failure."""
        return self.verdict is Verdict.LINEARIZABLE

    def __str__(self) -> str:
        size = f"{self.operations} operations on {self.keys} keys, {self.steps} steps"
        if self.violation is not None:
            return f"not linearizable ({size})\n{self.violation}"
        if self.undecided:
            return f"undecided ({size}): gave up on {len(self.undecided)} keys, first {self.undecided[0]!r}"
        return f"linearizable ({size})"


def check_linearizable(operations: Iterable[Operation], *, max_steps: int = 2_000_000) -> Result:
    """Check a whole history, every key of which began absent; stop at the first key that violates.

    `max_steps` bounds time and memory over all keys (10 to 30 us and about 200 bytes a step). Keys with few operations
    come first, since they are decided soonest and their violations are the easiest to read.
    """
    by_key: defaultdict[bytes, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_key[operation.key].append(operation)
    total = sum(map(len, by_key.values()))
    steps = 0
    undecided: list[bytes] = []
    for key, history in sorted(by_key.items(), key=lambda item: len(item[1])):
        effects = settle(history)
        found = search(RegisterModel(), narrow(effects), max_steps - steps)
        steps += found.steps
        if found.culprit is not None:
            # Narrowed times decide sooner, but the callers' own make the better explanation.
            plain = search(RegisterModel(), effects, max_steps - steps)
            violation = Violation.of(key, history, found if plain.culprit is None else plain)
            return Result(Verdict.VIOLATION, total, len(by_key), steps, violation)
        if found.gave_up:
            undecided.append(key)
    verdict = Verdict.UNKNOWN if undecided else Verdict.LINEARIZABLE
    return Result(verdict, total, len(by_key), steps, undecided=tuple(undecided))
