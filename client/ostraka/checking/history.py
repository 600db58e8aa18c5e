"""What callers saw of a store, and a recorder for it.

Rule 1. An operation's effect, if it has one, lies between its call and its return.
Rule 2. Two events of one `History` never carry the same time: what was recorded first is earlier.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType


class Kind(Enum):
    """What was asked of the key."""

    GET = "get"
    PUT = "put"
    DELETE = "delete"


class Outcome(Enum):
    """What the caller knows about the effect."""

    OK = "ok"
    FAILED = "failed"
    """It surely did not happen, and never will."""
    UNKNOWN = "unknown"
    """It may have happened, may happen later, or may never happen."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call on one key. Times are seconds of a clock that all callers share.

    Raises ValueError if the fields contradict each other.
    """

    process: int
    """The caller, for people to read: the checkers order by time alone."""
    kind: Kind
    key: bytes
    call: float
    returned: float | None
    """None exactly if the outcome is unknown: the effect may come at any time after the call."""
    outcome: Outcome
    value: bytes | None = None
    """put: what is written. get: what was read, None if the key was absent."""
    revision: int | None = None
    """put, delete: the change's own revision. get: that of the change that was read. None if not told."""
    existed: bool | None = None
    """delete: whether there was a key to delete. None if not told."""

    def __post_init__(self) -> None:
        if (self.returned is None) != (self.outcome is Outcome.UNKNOWN):
            raise ValueError("an operation has no time of return exactly if its outcome is unknown")
        if self.returned is not None and self.returned < self.call:
            raise ValueError(f"returned at {self.returned}, before its call at {self.call}")
        if self.kind is Kind.PUT and self.value is None:
            raise ValueError("a put has a value")
        if self.kind is Kind.DELETE and self.value is not None:
            raise ValueError("a delete has no value")
        if self.existed is not None and self.kind is not Kind.DELETE:
            raise ValueError("only a delete tells whether the key existed")
        if self.outcome is not Outcome.OK and self._has_answer():
            raise ValueError(f"an operation whose outcome is {self.outcome.value} has no answer")
        if self.revision is not None and not (self.existed or self.value is not None):
            raise ValueError("a revision belongs to a change or to a value that was read")

    def _has_answer(self) -> bool:
        read = self.kind is Kind.GET and self.value is not None
        return read or self.revision is not None or self.existed is not None


class Call:
    """An operation under way: a context manager whose body makes the call and tells how it ended.

    An exception that leaves the body untold (cancellation too) makes the outcome unknown, and goes on.
    A body that ends normally without telling is a mistake: RuntimeError.
    """

    def __init__(self, begun: Operation, now: Callable[[], float]) -> None:
        self._operation = begun
        self._now = now
        self._told = False

    @property
    def operation(self) -> Operation:
        """What is known so far; of unknown outcome until told otherwise."""
        return self._operation

    def ok(self, *, value: bytes | None = None, revision: int | None = None, existed: bool | None = None) -> None:
        """It took effect and answered this; `value` is for gets only. Raises ValueError if it cannot be."""
        if self._operation.kind is Kind.PUT:
            if value is not None:
                raise ValueError("a put answers no value")
            value = self._operation.value
        self._tell(
            replace(
                self._operation,
                returned=self._now(),
                outcome=Outcome.OK,
                value=value,
                revision=revision,
                existed=existed,
            )
        )

    def failed(self) -> None:
        """It surely had no effect, and never will have."""
        self._tell(replace(self._operation, returned=self._now(), outcome=Outcome.FAILED))

    def unknown(self) -> None:
        """Nobody can say whether it takes effect."""
        self._tell(self._operation)

    def _tell(self, told: Operation) -> None:
        if self._told:
            raise RuntimeError("the outcome of this call was told already")
        self._operation = told
        self._told = True

    def __enter__(self) -> Call:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._told:
            raise RuntimeError("the body of a recorded call must end with ok(), failed() or unknown()")


class History:
    """Records the operations of any number of tasks of one event loop (not of several threads).

    history = History(clock.now)
    with history.put(process, key, value) as call:
        result = await client.put(key, value)
        call.ok(revision=result.revision)
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds; where it stands still or goes back, times rise by the least that a float can."""
        self._clock = now
        self._last = -math.inf
        self._calls: list[Call] = []

    def get(self, process: int, key: bytes) -> Call:
        """Begin a get: `ok(value=..., revision=...)`, or `ok()` if the key is absent."""
        return self._begin(process, Kind.GET, key, None)

    def put(self, process: int, key: bytes, value: bytes) -> Call:
        """Begin a put: `ok(revision=...)`. Values that occur once make checking sharper and faster."""
        return self._begin(process, Kind.PUT, key, value)

    def delete(self, process: int, key: bytes) -> Call:
        """Begin a delete: `ok(existed=..., revision=...)`."""
        return self._begin(process, Kind.DELETE, key, None)

    def operations(self) -> list[Operation]:
        """Everything so far, in order of call; calls still under way are of unknown outcome."""
        return [call.operation for call in self._calls]

    def _begin(self, process: int, kind: Kind, key: bytes, value: bytes | None) -> Call:
        begun = Operation(process, kind, key, self._stamp(), None, Outcome.UNKNOWN, value)
        call = Call(begun, self._stamp)
        self._calls.append(call)
        return call

    def _stamp(self) -> float:
        self._last = max(self._clock(), math.nextafter(self._last, math.inf))
        return self._last
