"""What callers saw of single keys, and a recorder for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from .calls import OpenCall, Outcome, Recorded, Stamps


class Kind(Enum):
    """What was asked of the key."""

    GET = "get"
    PUT = "put"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation(Recorded):
    """One call on one key. Raises ValueError if the fields contradict each other."""

    kind: Kind
    key: bytes
    value: bytes | None = None
    """put: what is written. get: what was read, None if the key was absent."""
    revision: int | None = None
    """put, delete: the change's own revision. get: that of the change that was read. None if not told."""
    existed: bool | None = None
    """delete: whether there was a key to delete. None if not told."""

    def __post_init__(self) -> None:
        Recorded.__post_init__(self)
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


class Call(OpenCall[Operation]):
    """An operation under way."""

    @property
    def operation(self) -> Operation:
        """What is known so far; of unknown outcome until told otherwise."""
        return self._record

    def ok(self, *, value: bytes | None = None, revision: int | None = None, existed: bool | None = None) -> None:
        """It took effect and answered this; `value` is for gets only. Raises ValueError if it cannot be."""
        if self._record.kind is Kind.PUT:
            if value is not None:
                raise ValueError("a put answers no value")
            value = self._record.value
        self._tell(
            replace(
                self._record,
                returned=self._now(),
                outcome=Outcome.OK,
                value=value,
                revision=revision,
                existed=existed,
            )
        )


class History:
    """Records the operations of any number of tasks of one event loop (not of several threads).

    history = History(clock.now)
    with history.put(process, key, value) as call:
        result = await client.put(key, value)
        call.ok(revision=result.revision)
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds."""
        self._stamp = Stamps(now)
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
        begun = Operation(process, self._stamp(), None, Outcome.UNKNOWN, kind, key, value)
        call = Call(begun, self._stamp)
        self._calls.append(call)
        return call
