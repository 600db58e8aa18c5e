"""What commands print: raw bytes, JSON, and tables that are safe to look at."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from ostraka.cli.records import encode_json

# Control characters could move the cursor or worse; C1 controls act like escape sequences.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Wide enough that no table breaks a line on its way into a pipe or file.
_PIPE_COLUMNS = 100_000


def write(data: bytes) -> None:
    """Bytes to standard output, as they are."""
    sys.stdout.buffer.write(data)


def write_json(document: object) -> None:
    """One line of JSON."""
    write(encode_json(document) + b"\n")


def printable(data: bytes) -> str:
    """Text that shows `data` on one line: control characters and what is not UTF-8 as `\\x..`."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", data.decode("utf-8", "backslashreplace"))


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """An aligned table. Cells are shown with `str`; a column of numbers and gaps stands right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int) or row[index] == "" for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # Text, since a plain string would have its [brackets] taken for markup.
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_COLUMNS
    console.print(table)
