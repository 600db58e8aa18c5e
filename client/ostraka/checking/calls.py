"""One call as its caller saw it, and what every recorder of calls is made of.

Rule 1. An effect, if there is one, lies between the call and its return.
Rule 2. Two events stamped by one `Stamps` never carry the same time: what was recorded first is earlier.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Generic, Self, TypeVar


class Outcome(Enum):
    """What the caller knows about the effect."""

    OK = "ok"
    FAILED = "failed"
    """It surely did not happen, and never will."""
    UNKNOWN = "unknown"
    """It may have happened, may happen later, or may never happen."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call. Times are seconds of a clock that all callers share. Raises ValueError if the fields contradict."""

    process: int
    """The caller, one of those that have one call under way at a time."""
    call: float
    returned: float | None
    """None exactly if the outcome is unknown: the effect may come at any time after the call."""
    outcome: Outcome

    def __post_init__(self) -> None:
        if (self.returned is None) != (self.outcome is Outcome.UNKNOWN):
            raise ValueError("an operation has no time of return exactly if its outcome is unknown")
        if self.returned is not None and self.returned < self.call:
            raise ValueError(f"returned at {self.returned}, before its call at {self.call}")


Record = TypeVar("Record", bound=Recorded)


class OpenCall(Generic[Record]):
    """A call under way: a context manager whose body makes the call and tells how it ended.

    An exception that leaves the body untold (cancellation too) makes the outcome unknown, and goes on.
    A body that ends normally without telling is a mistake: RuntimeError.
    """

    def __init__(self, begun: Record, now: Callable[[], float]) -> None:
        self._record = begun
        self._now = now
        self._told = False

    @property
    def record(self) -> Record:
        """What is known so far; of unknown outcome until told otherwise."""
        return self._record

    def failed(self) -> None:
        """It surely had no effect, and never will have."""
        self._tell(replace(self._record, returned=self._now(), outcome=Outcome.FAILED))

    def unknown(self) -> None:
        """Nobody can say whether it takes effect."""
        self._tell(self._record)

    def _tell(self, told: Record) -> None:
        if self._told:
            raise RuntimeError("the outcome of this call was told already")
        self._record = told
        self._told = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._told:
            raise RuntimeError("the body of a recorded call must end with ok(), failed() or unknown()")


class Stamps:
    """Times for the calls and returns of any number of tasks of one event loop (not of several threads)."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds; where it stands still or goes back, stamps rise by the least that a float can."""
        self._clock = now
        self._last = -math.inf

    def __call__(self) -> float:
        """The next stamp, above all before it."""
        self._last = max(self._clock(), math.nextafter(self._last, math.inf))
        return self._last
