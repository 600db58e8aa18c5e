"""Histories as JSON Lines: an operation a line, so files can be searched, cut and put together.

Keys and values are bytes; JSON has none. A byte is written as the character of the same number (Latin-1), which
keeps every byte and leaves ASCII readable. Times keep every bit. Fields that are None are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from enum import Enum
from typing import Any

from .calls import Outcome
from .history import Kind, Operation


def dump_operations(operations: Iterable[Operation]) -> Iterator[str]:
    """Lines, each with its newline: `file.writelines(dump_operations(...))`."""
    for operation in operations:
        fields = {name: _encode(value) for name, value in asdict(operation).items() if value is not None}
        yield json.dumps(fields) + "\n"


def load_operations(lines: Iterable[str]) -> list[Operation]:
    """The operations that `dump_operations` wrote. Raises ValueError that names the line if one is malformed."""
    operations = []
    for number, line in enumerate(lines, start=1):
        try:
            operations.append(_decode(json.loads(line)))
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"line {number} is not an operation: {error!r}") from error
    return operations


def _encode(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value.value if isinstance(value, Enum) else value


def _decode(fields: dict[str, Any]) -> Operation:
    fields["kind"] = Kind(fields["kind"])
    fields["outcome"] = Outcome(fields["outcome"])
    fields.setdefault("returned", None)
    for name in ("key", "value"):
        if name in fields:
            fields[name] = fields[name].encode("latin-1")
    return Operation(**fields)
