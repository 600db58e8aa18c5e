"""What a caller asked, of any kind, and what was answered; and a recorder for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..calls import OpenCall, Outcome, Recorded, Stamps

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make an `Observation[Request, Answer](...)`
class Observation(Recorded, Generic[Request, Answer]):
    """One call. Requests and answers are the model's own types and compare by value."""

    request: Request
    answer: Answer | None = None
    """What was answered; nothing is known of it unless the outcome is OK."""
    stale: bool = False
    """A read that may be answered from any state there ever was."""
    at: int | None = None
    """A read: how many commands the state that answered had applied. None if nobody told."""


class OpenObservation(OpenCall[Observation[Request, Answer]]):
    """A call under way."""

    def ok(self, answer: Answer, *, at: int | None = None) -> None:
        """It took effect and answered this, a read from the state after `at` commands."""
        self._tell(replace(self._record, returned=self._now(), outcome=Outcome.OK, answer=answer, at=at))


class Observations(Generic[Request, Answer]):
    """Records the calls of any number of tasks of one event loop (not of several threads).

    seen: Observations[Request, Answer] = Observations(clock.now)
    with seen.begin(process, Get(key)) as call:
        call.ok(row_of(await client.get(key)))
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds."""
        self._stamp = Stamps(now)
        self._calls: list[OpenObservation[Request, Answer]] = []

    def begin(self, process: int, request: Request, *, stale: bool = False) -> OpenObservation[Request, Answer]:
        """Begin a call; its number is how many were begun before."""
        begun = Observation[Request, Answer](process, self._stamp(), None, Outcome.UNKNOWN, request, stale=stale)
        call: OpenObservation[Request, Answer] = OpenObservation(begun, self._stamp)
        self._calls.append(call)
        return call

    def __len__(self) -> int:
        """How many were begun: the number of the next."""
        return len(self._calls)

    def all(self) -> list[Observation[Request, Answer]]:
        """Everything so far, in order of call; calls still under way are of unknown outcome."""
        return [call.record for call in self._calls]
