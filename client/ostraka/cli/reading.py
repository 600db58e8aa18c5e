"""The options that reads have in common: which state they are of, and how recent it has to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypedDict, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])
Parsed = TypeVar("Parsed")

REVISION = click.IntRange(1, (1 << 64) - 1)
LIMIT = click.IntRange(1, (1 << 64) - 1)

_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"
_DURATION = re.compile(f"(?:{_PART})+")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class How(TypedDict):
    """What the SDK's reads take."""

    revision: int | None
    at: datetime | None
    serializable: bool
    max_staleness: float | None


def duration(text: str) -> timedelta:
    """Of numbers with units: 500ms, 10m, 1h30m. Raises BadParameter."""
    if not _DURATION.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no duration: write 500ms, 30s, 10m, 1h30m or 2d")
    try:
        return sum(
            (timedelta(**{_UNITS[unit]: float(number)}) for number, unit in re.findall(_PART, text)), timedelta()
        )
    except OverflowError:
        raise click.BadParameter(f"{text} is too long") from None


def moment(text: str) -> datetime:
    """A duration, which counts back from now, or a date and time. Raises BadParameter."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    if not _DURATION.fullmatch(text):
        raise click.BadParameter(f"{text!r} is neither 10m (ago) nor 2026-03-01T12:00 (local; or with Z or +01:00)")
    try:
        return datetime.now(UTC) - duration(text)
    except OverflowError:
        raise click.BadParameter(f"{text} ago is before the first year") from None


def _parsed(parse: Callable[[str], Parsed]) -> Callable[[click.Context, click.Parameter, str | None], Parsed | None]:
    return lambda context, parameter, text: None if text is None else parse(text)


def read_options(command: Command) -> Command:
    """Adds the options; `how` makes of their values what the SDK takes."""
    command = click.option(
        "--max-staleness",
        callback=_parsed(duration),
        metavar="DURATION",
        help="Let any node answer whose state is at most so old: 500ms, 10s, 5m.",
    )(command)
    command = click.option(
        "--serializable",
        is_flag=True,
        help="Let any node answer from what it has, perhaps stale, also without a leader.",
    )(command)
    command = click.option(
        "--at",
        callback=_parsed(moment),
        metavar="MOMENT",
        help="As it was so long ago (10m, 1h30m) or then (2026-03-01T12:00, local time; or with Z or +01:00).",
    )(command)
    return click.option("--revision", type=REVISION, help="As it was at this revision.")(command)


def how(revision: int | None, at: datetime | None, serializable: bool, max_staleness: timedelta | None) -> How:
    """The options' values, for the SDK."""
    if revision is not None and at is not None:
        raise click.UsageError("give either --revision or --at")
    if serializable and max_staleness is not None:
        raise click.UsageError("give either --serializable or --max-staleness")
    seconds = None if max_staleness is None else max_staleness.total_seconds()
    return How(revision=revision, at=at, serializable=serializable, max_staleness=seconds)
