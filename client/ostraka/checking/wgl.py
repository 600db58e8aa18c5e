"""The search for an order: every operation at one instant between its call and its return, each answer explained.

After Wing and Gong (1993) with Lowe's memo (2017), in the form that Porcupine made popular. Whatever was called before
the first return still to come may be placed next; that return cannot be passed before its operation is placed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from .timeline import Timeline


class Timed(Protocol):
    """An operation to be placed in [call, before]. `before` is infinite if it may as well be left out."""

    @property
    def call(self) -> float: ...
    @property
    def before(self) -> float: ...


Op = TypeVar("Op", bound=Timed)
OpIn = TypeVar("OpIn", bound=Timed, contravariant=True)
State = TypeVar("State")


class Model(Protocol[OpIn, State]):
    """What operations mean one after another. States are hashable and never None.

    Optional operations that lead from one state to the same state do so from every state.
    """

    @property
    def initial(self) -> State: ...

    def step(self, state: State, operation: OpIn, /) -> State | None:
        """The state after the operation; None if the operation is impossible in `state`."""

    def is_read(self, operation: OpIn, /) -> bool:
        """Whether `step` never leads it to a state in which more is possible than before."""


@dataclass(frozen=True, slots=True)
class Search(Generic[Op, State]):
    """What a search found: an order that explains every answer, unless it gave up or there is a culprit."""

    steps: int
    """Configurations tried."""
    gave_up: bool
    """The budget ran out: nothing is known."""
    culprit: Op | None
    """The history is explained until just before this operation returned, and no further."""
    order: tuple[Op, ...]
    """The order found; without one, the longest of those that got furthest in time."""
    state: State
    """After `order`."""


def search(model: Model[Op, State], operations: Iterable[Op], max_steps: int) -> Search[Op, State]:
    """Look for an order of `operations`, giving up when `max_steps` configurations do not suffice.

    No operation's `before` may lie before its `call`.
    """
    return _Searcher(model, operations).run(max_steps)


class _Searcher(Generic[Op, State]):
    """One depth-first search. Operations are numbered: those that returned by call, then the optional ones."""

    def __init__(self, model: Model[Op, State], operations: Iterable[Op]) -> None:
        self._model = model
        self._operations = sorted(operations, key=lambda op: (op.before == math.inf, op.call))
        self._reads = [model.is_read(op) for op in self._operations]
        returned = [op for op in self._operations if op.before < math.inf]
        self._returned = len(returned)
        self._timeline = Timeline([op.call for op in returned], [op.before for op in returned])
        self._placed = 0  # a bit for each operation that returned
        self._taken = 0  # a bit for each optional one
        self._path: list[tuple[int, State, Iterator[tuple[int, State]]]] = []
        self._furthest = (-math.inf, -1, -1)
        self._furthest_path: list[int] = []
        self._furthest_state = model.initial

    def run(self, max_steps: int) -> Search[Op, State]:
        seen: set[tuple[int, int, int, State]] = set()
        state = self._model.initial
        choices = self._choices(state)
        while self._timeline:
            for operation, after in choices:
                self._place(operation)
                configuration = (*self._so_far(), after)
                if configuration not in seen:
                    break
                self._take_back(operation)
            else:
                self._note_dead_end(state)
                if not self._path:
                    return self._unexplained(len(seen), gave_up=False)
                operation, state, choices = self._path.pop()
                self._take_back(operation)
                continue
            if len(seen) == max_steps:
                return self._unexplained(len(seen), gave_up=True)
            seen.add(configuration)
            self._path.append((operation, state, choices))
            state, choices = after, self._choices(after)
        order = tuple(self._operations[operation] for operation, _, _ in self._path)
        return Search(len(seen), False, None, order, state)

    def _choices(self, state: State) -> Iterator[tuple[int, State]]:
        """What may be placed next, with the state after it; first what must be placed soonest."""
        step, operations = self._model.step, self._operations
        window, first_to_return = self._timeline.window()
        possible = []
        for operation in window:
            after = step(state, operations[operation])
            if after is None:
                continue
            if after == state and self._reads[operation]:
                # Wherever an order has this read, it may as well come now: nothing else need be tried.
                yield operation, after
                return
            possible.append((operation, after))
        possible.sort(key=lambda choice: operations[choice[0]].before)
        yield from possible
        yield from self._optional(state, operations[first_to_return].before)

    def _optional(self, state: State, deadline: float) -> Iterator[tuple[int, State]]:
        """The optional operations called by then, one for each different state that they lead to."""
        reached = {state}
        for number, operation in enumerate(self._operations[self._returned :]):
            if operation.call > deadline:
                return
            after = None if self._taken >> number & 1 else self._model.step(state, operation)
            if after is not None and after not in reached:
                reached.add(after)
                yield self._returned + number, after

    def _place(self, operation: int) -> None:
        if operation < self._returned:
            self._placed ^= 1 << operation
            self._timeline.remove(operation)
        else:
            self._taken ^= 1 << (operation - self._returned)

    def _take_back(self, operation: int) -> None:
        if operation < self._returned:
            self._placed ^= 1 << operation
            self._timeline.restore(operation)
        else:
            self._taken ^= 1 << (operation - self._returned)

    def _so_far(self) -> tuple[int, int, int]:
        """What is placed, as small as can be: everything before this operation, these after it, these optional ones."""
        first = self._timeline.first()
        return first, self._placed >> first, self._taken

    def _note_dead_end(self, state: State) -> None:
        """Remember how far in time this path got, and the longest that got as far."""
        _, culprit = self._timeline.window()
        reached = (self._operations[culprit].before, culprit, len(self._path))
        if reached > self._furthest:
            self._furthest = reached
            self._furthest_path = [operation for operation, _, _ in self._path]
            self._furthest_state = state

    def _unexplained(self, steps: int, *, gave_up: bool) -> Search[Op, State]:
        order = tuple(self._operations[operation] for operation in self._furthest_path)
        culprit = None if gave_up else self._operations[self._furthest[1]]
        return Search(steps, gave_up, culprit, order, self._furthest_state)
