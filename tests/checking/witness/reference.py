"""The rules of the witness check by their definition: every choice of a state for every read."""

from __future__ import annotations

from collections.abc import Iterator

from ostraka.checking import Outcome
from ostraka.checking.witness import Keyspace
from tests.checking.witness.stores import Run, Seen


def is_explained(run: Run) -> bool:
    """Whether the decided order explains what was seen. For few reads only."""
    model = Keyspace()
    answers = [model.apply(command.request) for command in run.decided]
    places: dict[int, float] = {}
    for number, seen in enumerate(run.seen):
        found = [place for place, command in enumerate(run.decided) if command.observation == number]
        if model.is_read(seen.request):
            continue
        if len(found) > 1 or (found and seen.outcome is Outcome.FAILED):
            return False
        if seen.outcome is Outcome.OK and (not found or answers[found[0]] != seen.answer):
            return False
        if found:
            places[number] = found[0] + 1
    reads = [i for i, seen in enumerate(run.seen) if model.is_read(seen.request) and seen.outcome is Outcome.OK]
    # A read of state i stands between the commands i and i + 1, at i + 1/2.
    return any(_agrees(run.seen, places | states) for states in _choices(model, run, reads))


def _choices(model: Keyspace, run: Run, reads: list[int]) -> Iterator[dict[int, float]]:
    if not reads:
        yield {}
        return
    number, *others = reads
    seen = run.seen[number]
    for state in range(len(run.decided) + 1) if seen.at is None else [seen.at]:
        if state <= len(run.decided) and model.read(seen.request, state) == seen.answer:
            yield from ({number: state + 0.5, **choice} for choice in _choices(model, run, others))


def _agrees(seen: list[Seen], places: dict[int, float]) -> bool:
    """Whether no call stands below one that had returned before its call; reads that may be stale may."""
    for earlier, place in places.items():
        returned = seen[earlier].returned
        for later, other in places.items():
            before = returned is not None and returned < seen[later].call
            if before and other < place and not seen[later].stale:
                return False
    return True
