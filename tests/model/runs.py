"""Runs of a seed: steps drawn by chance, each from a generator of its own, so that a step left out changes no other."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

from ostraka_server.machine import sessions
from ostraka_server.store import FileFactory, MemoryFactory, blocks
from ostraka_server.store import runs as past_runs
from tests.model.sessions import ANSWER_BYTES_MAX, CLIENTS_MAX, WINDOW
from tests.model.world import World
from tests.simulation.shrink import minimize

STEPS = 600
"""Of a run."""
ON_DISK_ONE_IN = 40
"""So many runs have one replica's store in a file; it is slower, most of all to take a snapshot of."""
SHRINKING_RUNS_MAX = 200

KINDS: dict[Callable[[World, Random], None], int] = {
    World.write: 40,
    World.read: 40,
    World.flush: 10,
    World.end_flush: 4,
    World.reclaim: 4,
    World.restart: 1,
    World.install: 1,
}
"""What a step may be, and how often."""


class Failure(NamedTuple):
    """The last of `steps` showed it."""

    seed: int
    steps: Sequence[int]
    detail: str

    @property
    def command(self) -> str:
        """One line that repeats it."""
        return f"python -m tests.model --seed={self.seed} --steps={','.join(map(str, self.steps))}"


class Outcome(NamedTuple):
    """`met` counts what was compared, as `World.met` does."""

    met: Counter[str]
    failure: Failure | None


def run(seed: int, steps: Sequence[int] = range(STEPS)) -> Outcome:
    """Take these steps of a seed. Whatever is raised on the way is a failure."""
    with bounds_within_reach(), _world(seed) as world:
        for place, number in enumerate(steps):
            chance = Random(f"{seed} {number}")
            (step,) = chance.choices(tuple(KINDS), tuple(KINDS.values()))
            try:
                step(world, chance)
            except Exception as error:
                detail = f"{step.__name__}: {type(error).__name__}: {error}"
                return Outcome(world.met, Failure(seed, steps[: place + 1], detail))
        return Outcome(world.met, None)


def shrunk(failure: Failure) -> Failure:
    """The same with fewer steps, as far as that was found out in SHRINKING_RUNS_MAX runs."""
    best, runs = failure, 0

    def fails(steps: Sequence[int]) -> bool:
        nonlocal best, runs
        runs += 1
        found = run(failure.seed, steps).failure if runs <= SHRINKING_RUNS_MAX else None
        if found is not None and len(found.steps) < len(best.steps):
            best = found
        return found is not None

    minimize(failure.steps, fails)
    return best


@contextmanager
def bounds_within_reach() -> Iterator[None]:
    """The machine's bounds of sessions, and the store's of runs and blocks, lowered to what a run comes to. They are no
    settings: those of sessions are part of the entry format."""
    lowered: dict[str, Any] = {
        "SESSIONS_MAX": CLIENTS_MAX,
        "SESSION_WINDOW": WINDOW,
        "SESSION_ANSWER_BYTES_MAX": ANSWER_BYTES_MAX,
    }
    merged = patch.object(past_runs, "MERGED_ROWS_MAX", 12)
    with patch.multiple(sessions, **lowered), merged, patch.object(blocks, "BLOCK_ROWS_MAX", 3):
        yield


@contextmanager
def in_memory() -> Iterator[World]:
    """Two replicas with nothing on disk."""
    world = World((MemoryFactory(), MemoryFactory()))
    try:
        yield world
    finally:
        world.close()


@contextmanager
def _world(seed: int) -> Iterator[World]:
    if seed % ON_DISK_ONE_IN:
        with in_memory() as world:
            yield world
        return
    with tempfile.TemporaryDirectory() as folder:
        world = World((FileFactory(Path(folder) / "store"), MemoryFactory()))
        try:
            yield world
        finally:
            world.close()
