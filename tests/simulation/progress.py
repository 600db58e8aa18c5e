"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation.swarm import Size, Summary


@contextmanager
def progress(label: str, size: Size) -> Iterator[Callable[[Summary], None]]:
    """Yields a function to call with the summary of what was done so far."""
    if not sys.stderr.isatty():
        yield lambda summary: None
        return
    columns = (TextColumn(label), BarColumn(), TextColumn("{task.fields[so_far]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=size.amount, so_far="")

        def update(summary: Summary) -> None:
            so_far = f"{summary.runs:,} seeds, {summary.hours:.2f} h simulated, {len(summary.failed)} failed"
            bar.update(task, completed=size.done(summary), so_far=so_far)

        yield update
