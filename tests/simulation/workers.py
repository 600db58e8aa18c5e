"""Runs on many cores, in the order in which they were asked for, and never asked for far ahead."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from time import process_time

from tests.simulation.subject import Subject
from tests.simulation.tier import Outcome

AHEAD = 2
"""Runs under way or waiting, for each process."""


@dataclass(frozen=True, slots=True)
class Task:
    """A run, as another process is told of it."""

    subject: Subject
    seed: int


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a task, and the processor time that it took."""

    outcome: Outcome
    cpu_s: float


def carry_out(task: Task) -> Ran:
    """Run the drawn plan of a task, in this process."""
    began = process_time()
    outcome = task.subject.run(task.subject.draw(task.seed))
    return Ran(outcome, process_time() - began)


def carry_out_all(tasks: Iterable[Task], processes: int | None, hash_seed: int) -> Generator[Ran, None, None]:
    """What came of each, in order. Closing the iterator drops those that have not begun.

    `processes` (default: one a core) are fresh ones in which strings hash by `hash_seed`: a run that depended on that
    would show as another event hash under another one.
    """
    waiting = deque[Future[Ran]]()
    remaining = iter(tasks)
    with _string_hash(hash_seed), _pool(processes or os.cpu_count() or 1) as (pool, ahead):
        while True:
            waiting.extend(pool.submit(carry_out, task) for task in islice(remaining, ahead - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()


@contextmanager
def _pool(processes: int) -> Iterator[tuple[ProcessPoolExecutor, int]]:
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        yield pool, processes * AHEAD
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _string_hash(seed: int) -> Iterator[None]:
    """Processes that are spawned meanwhile hash strings by `seed`."""
    name = "PYTHONHASHSEED"
    before = os.environ.get(name)
    os.environ[name] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
