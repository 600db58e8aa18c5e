"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# An update of the bar costs about as much as a put, so it is made once for so many.
CALLS_PER_UPDATE = 256


@contextmanager
def progress(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with what was done since its last call, of `total` (None: unknown) in `unit`."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn(label), BarColumn(), TaskProgressColumn(), TextColumn(f"{{task.completed:,.0f}} {unit}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        calls = waiting = 0

        def advance(done: int) -> None:
            nonlocal calls, waiting
            calls, waiting = calls + 1, waiting + done
            if calls % CALLS_PER_UPDATE == 0:
                bar.advance(task, waiting)
                waiting = 0

        yield advance
        bar.advance(task, waiting)
