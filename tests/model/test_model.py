"""The machine on its store does what the model does, whatever is asked of it and however it flushes and restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from ostraka_server.machine.history import History
from ostraka_server.machine.layers import Layers
from ostraka_server.machine.overlay import Overlay
from ostraka_server.machine.sessions import Sessions
from ostraka_server.store import Store, StoredState
from tests.model.runs import Failure, bounds_within_reach, in_memory, run, shrunk

OPERATIONS = 20_000
CHANCE = st.randoms(use_true_random=False)


ALL_MET = {
    *("put: answered", "put: INVALID", "delete: answered", "delete: INVALID", "None: INVALID"),
    *(f"{read}: {how}" for read in ("get", "range") for how in ("answered", "INVALID", "COMPACTED", "FUTURE_REVISION")),
    *(f"txn: {how}" for how in ("answered", "INVALID", "COMPACTED", "FUTURE_REVISION")),
    *(f"{write}: {how}" for write in ("put", "delete", "txn") for how in ("EXPIRED", "ANSWER_LOST")),
    *(f"register: {how}" for how in ("answered", "INVALID")),
    "close: answered",
    *(f"compact: {how}" for how in ("answered", "COMPACTED", "FUTURE_REVISION")),
}
"""Each request answered, and refused for each reason that there is."""


def test_20_000_operations_give_what_the_model_gives() -> None:
    met, failure = _until_one_fails(OPERATIONS)
    assert failure is None, _told(failure)
    assert met.total() >= OPERATIONS and met.keys() >= ALL_MET


class Rules(RuleBasedStateMachine):
    """Every step at hypothesis's choice, which makes small what it finds."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        self._opened.enter_context(bounds_within_reach())
        self._world = self._opened.enter_context(in_memory())

    @rule(chance=CHANCE)
    def write(self, chance: Random) -> None:
        self._world.write(chance)

    @rule(chance=CHANCE)
    def read(self, chance: Random) -> None:
        self._world.read(chance)

    @rule(chance=CHANCE)
    def flush(self, chance: Random) -> None:
        self._world.flush(chance)

    @rule(chance=CHANCE)
    def end_flush(self, chance: Random) -> None:
        self._world.end_flush(chance)

    @rule(chance=CHANCE)
    def reclaim(self, chance: Random) -> None:
        self._world.reclaim(chance)

    @rule(chance=CHANCE)
    def restart(self, chance: Random) -> None:
        self._world.restart(chance)

    @rule(chance=CHANCE)
    def install(self, chance: Random) -> None:
        self._world.install(chance)

    def teardown(self) -> None:
        self._opened.close()


def test_hypothesis_finds_no_steps_that_part_them() -> None:
    profile = settings(max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Rules, settings=profile)


def _count_without_the_flushing_layer(layers: Any, start: bytes, end: bytes | None) -> int:
    return int(layers._base.count(start, end)[0] + layers._active.added(start, end))


def _begin_flush_that_forgets_deletes(begin_flush: Callable[..., Overlay]) -> Callable[..., Overlay]:
    def begin(layers: Layers, slot: int) -> Overlay:
        frozen = begin_flush(layers, slot)
        frozen.rows = {key: row for key, row in frozen.rows.items() if row is not None}
        return frozen

    return begin


def _state_of_an_earlier_slot(state: Callable[[Store], StoredState | None]) -> Callable[[Store], StoredState | None]:
    def earlier(store: Store) -> StoredState | None:
        found = state(store)
        return found and found._replace(applied_slot=found.applied_slot - 1)

    return earlier


SABOTAGE: Mapping[str, tuple[type, str, Callable[..., Any]]] = {
    "counts leave out what is being flushed": (Layers, "count", lambda _: _count_without_the_flushing_layer),
    "a flush forgets deletes": (Layers, "begin_flush", _begin_flush_that_forgets_deletes),
    "a restart does a slot again": (Store, "state", _state_of_an_earlier_slot),
    "a checkpoint lacks the rows that ended": (Overlay, "past", lambda _: lambda overlay, compact_revision: ()),
    "a checkpoint lacks how far history was compacted": (History, "changed", lambda _: lambda history: {}),
    "a checkpoint lacks the clients": (Sessions, "changed", lambda _: lambda sessions: {}),
}


@pytest.mark.parametrize("bug", SABOTAGE)
def test_a_bug_is_found(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    _put_in(bug, monkeypatch)
    _, failure = _until_one_fails(OPERATIONS)
    assert failure is not None


def test_a_failure_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    _put_in("a restart does a slot again", monkeypatch)
    _, failure = _until_one_fails(OPERATIONS)
    assert failure is not None
    small = shrunk(failure)
    assert len(small.steps) <= 10
    assert run(small.seed, small.steps).failure == small


def _put_in(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, spoil = SABOTAGE[bug]
    monkeypatch.setattr(owner, name, spoil(getattr(owner, name)))


def _until_one_fails(operations: int) -> tuple[Counter[str], Failure | None]:
    """What so many operations met, or fewer, if one of them failed."""
    met: Counter[str] = Counter()
    for seed in count():
        outcome = run(seed)
        met += outcome.met
        if outcome.failure is not None or met.total() >= operations:
            return met, outcome.failure
    raise AssertionError("there is always another seed")


def _told(failure: Failure) -> str:
    small = shrunk(failure)
    return f"{small.detail}\nrepeat it: {small.command}"
