"""Does the order in which a store says it applied its commands explain everything that callers saw?

The order is proposed, not searched for, so any history is checked in O(n log n), however many callers share a key.
Witness order: the commands, numbered from 1; state i is the one after i commands. Rules:

1. Every command that a caller asked for is in the order as asked: an acknowledged one once, one of unknown outcome at
   most once, one that surely was not done never.
2. Every acknowledged command answered what the model does at its place.
3. A command's place is above every place and state that a call which had returned before its call has shown.
4. A read is answered by one state, which is no lower than those, unless it may be stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from ..calls import Outcome
from .model import Model
from .observation import Observation
from .violation import WitnessViolation, brief

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Decided(NamedTuple, Generic[Request]):
    """A command of the decided order. Those that were refused when applied had no effect and are left out."""

    request: Request
    observation: int | None = None
    """Which of the observations asked for it; None if none did."""


def check_witness(
    model: Model[Request, Answer],
    observations: Sequence[Observation[Request, Answer]],
    decided: Sequence[Decided[Request]],
) -> WitnessViolation | None:
    """The first violation of the rules above, or None. `model` is in its initial state and is used up."""
    return next(_Check(model, observations, decided).violations(), None)


class _Check(Generic[Request, Answer]):
    def __init__(
        self,
        model: Model[Request, Answer],
        observations: Sequence[Observation[Request, Answer]],
        decided: Sequence[Decided[Request]],
    ) -> None:
        self._model = model
        self._seen = observations
        self._decided = decided
        self._places: dict[int, int] = {}
        """Of observations: the place of a command, the state that answered a read."""

    def violations(self) -> Iterator[WitnessViolation]:
        """At least one if there are any; after the first the others may be its consequences."""
        for place, command in enumerate(self._decided, start=1):
            answer = self._model.apply(command.request)
            if command.observation is not None:
                yield from self._applied(place, command.observation, command.request, answer)
        for number, seen in enumerate(self._seen):
            if seen.outcome is Outcome.OK and number not in self._places and not self._model.is_read(seen.request):
                yield self._violation(1, "was acknowledged but is not in the decided order", number)
        yield from self._real_time()

    def _applied(self, place: int, number: int, request: Request, answer: Answer) -> Iterator[WitnessViolation]:
        """Rules 1 and 2 for the command at this place."""
        seen = self._seen[number]
        first = self._places.setdefault(number, place)
        if request != seen.request:
            yield self._violation(1, f"is {brief(request)} in the decided order, at {place}", number)
        if first != place:
            yield self._violation(1, f"took effect twice, at {first} and at {place}", number)
        if seen.outcome is Outcome.FAILED:
            yield self._violation(1, f"surely was not done, but it is in the decided order, at {place}", number)
        if seen.outcome is Outcome.OK and seen.answer != answer:
            yield self._violation(
                2, f"answered otherwise than the model at its place, {place}: {brief(answer)}", number
            )

    def _real_time(self) -> Iterator[WitnessViolation]:
        """Rules 3 and 4, event by event. Each read gets the first state that can be: a later one would allow less."""
        floor, shown_by = 0, None  # the highest place or state that was shown, and by which observation
        for number, is_return in self._events():
            if is_return:
                if self._places[number] > floor:
                    floor, shown_by = self._places[number], number
            elif not self._model.is_read(self._seen[number].request):
                if shown_by is not None and self._places[number] <= floor:
                    yield self._too_low(number, floor, shown_by)
            elif (state := self._state(self._seen[number], floor)) is None:
                yield self._unexplained(number, floor, shown_by)
                return
            else:
                self._places[number] = state

    def _events(self) -> list[tuple[int, bool]]:
        """Calls and returns, by observation's number, of what was placed and of reads; at equal times calls first."""
        events = []
        for number, seen in enumerate(self._seen):
            read = self._model.is_read(seen.request)
            if number in self._places or (read and seen.outcome is Outcome.OK):
                events.append((seen.call, False, number))
                if seen.returned is not None:
                    events.append((seen.returned, True, number))
        return [(number, is_return) for _, is_return, number in sorted(events)]

    def _state(self, seen: Observation[Request, Answer], floor: int) -> int | None:
        """The first state that gives the read's answer and is not too low."""
        lowest = 0 if seen.stale else floor
        highest = len(self._decided)
        if seen.at is not None:
            lowest, highest = max(lowest, seen.at), min(highest, seen.at)
        candidates = range(max(lowest, self._model.since(seen.request, seen.answer)), highest + 1)
        return next((state for state in candidates if self._model.read(seen.request, state) == seen.answer), None)

    def _too_low(self, number: int, floor: int, shown_by: int) -> WitnessViolation:
        reason = f"has place {self._places[number]} in the decided order, but {floor} was shown before its call"
        return self._violation(3, reason, number, shown_by)

    def _unexplained(self, number: int, floor: int, shown_by: int | None) -> WitnessViolation:
        """A read that no state explains: says what the state that it should have seen answers, and since when."""
        seen = self._seen[number]
        state = floor if seen.at is None else min(seen.at, len(self._decided))
        answers = [f"state {state} answers {brief(self._model.read(seen.request, state))}"]
        if state < floor:
            answers.append(f"state {floor} was shown before its call")
        older = (state for state in range(floor - 1, -1, -1) if self._model.read(seen.request, state) == seen.answer)
        involved = [] if shown_by is None else [shown_by]
        if (last := next(older, None)) is not None:
            answers.append(f"state {last} was the last to answer so")
            changed_by = self._decided[last].observation
            involved += [] if changed_by is None else [changed_by]
        told = "" if seen.at is None else f" (from state {seen.at}, it was told)"
        return self._violation(4, f"cannot have been answered{told}: {', '.join(answers)}", number, *involved)

    def _violation(self, rule: int, reason: str, number: int, *others: int) -> WitnessViolation:
        involved = sorted({number, *others})
        return WitnessViolation(self._seen[number], reason, tuple(self._seen[each] for each in involved), rule)
