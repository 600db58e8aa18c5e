"""A failing case made small: whatever can be left out of it, is (Zeller and Hildebrandt, "Simplifying and Isolating
Failure-Inducing Input", 2002; here without the complements that one pass over all pieces makes needless)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Case = TypeVar("Case", bytes, tuple[object, ...])

TRIES_MAX = 2000


def minimise(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest part of `case` found that still fails, after at most TRIES_MAX tries. `case` itself fails."""
    tries = 0
    size = len(case)
    while size:
        at = 0
        while at < len(case):
            shorter = case[:at] + case[at + size :]
            if tries == TRIES_MAX:
                return case
            tries += 1
            if fails(shorter):
                case = shorter
            else:
                at += size
        size //= 2
    return case
