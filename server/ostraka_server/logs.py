"""Structured logs on standard error: an event's name and its fields, a JSON object a line or a line for people.

What is logged are names, addresses, numbers and reasons; never a key, a value or a secret.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

Field = str | int | float | bool | None
"""Not bytes: those belong to the users."""

_HEAD = ("time", "level", "logger", "event", "exception")
_FOREIGN_LEVEL = logging.WARNING
"""For what other packages log."""


def fields(**values: Field) -> Mapping[str, object]:
    """For `extra`: `log.info("leader changed", extra=fields(group=1, leader="n2"))`."""
    assert not values.keys() & set(_HEAD), "taken by what every line has"
    return {"fields": values}


def configure(level: str, format: Literal["console", "json"], stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) from now on, in place of what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else ConsoleFormatter())
    logging.basicConfig(level=_FOREIGN_LEVEL, handlers=[handler], force=True)
    logging.getLogger("ostraka").setLevel(level.upper())


class JsonFormatter(logging.Formatter):
    """`{"time": ..., "level": ..., "logger": ..., "event": ..., fields...}`; times in UTC, milliseconds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class ConsoleFormatter(logging.Formatter):
    """`12:00:00.000 info    ostraka.node: serving client=127.0.0.1:7401`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        time_of_day = f"{_time(record).astimezone():%H:%M:%S.%f}"[:-3]
        line = f"{time_of_day} {record.levelname.lower():7} {record.name}: {record.getMessage()}"
        for name, value in _fields(record).items():
            line += f" {name}={_word(value)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    found: Mapping[str, object] = getattr(record, "fields", {})
    return found


def _word(value: object) -> str:
    """As it is, where that is one printable word; else quoted, so that a line stays a line."""
    text = "-" if value is None else str(value)
    return text if text.isprintable() and text and not set(text) & set(' "=') else json.dumps(text)
