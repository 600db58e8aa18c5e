"""Calls as bars on a line of time, for the text of a violation."""

from __future__ import annotations

from collections.abc import Iterable

from .calls import Recorded

TEXT_BYTES = 24
"""Longer values are cut."""


def picture(rows: Iterable[tuple[str, Recorded]], marked: Recorded | None) -> list[str]:
    """A row for each labelled call, a bar from its call to its return; an arrow before `marked` if there is such a one.

    Distances show the order of events, not durations. A bar without an end has no known one.
    """
    rows = list(rows)
    events = {op.call for _, op in rows} | {op.returned for _, op in rows if op.returned is not None}
    column = {time: 3 * rank for rank, time in enumerate(sorted(events))}
    width = max(len(label) for label, _ in rows)
    drawn = []
    for label, op in rows:
        left = column[op.call]
        right = 3 * len(column) if op.returned is None else column[op.returned]
        bar = "|" + "-" * (right - left - 1) + ("" if left == right else ">" if op.returned is None else "|")
        drawn.append(f"{'->' if op is marked else '  '} {label:{width}}  {' ' * left}{bar}")
    return drawn


def text(value: bytes | None) -> str:
    """A value, cut where it is long."""
    if value is None:
        return "absent"
    return repr(value) if len(value) <= TEXT_BYTES else f"{value[:TEXT_BYTES]!r}..."
