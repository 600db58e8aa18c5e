"""A transaction as lines, in three paragraphs: compares, what is done if they all hold, what is done otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ostraka.cli.txn_compares import compare
from ostraka.cli.txn_operations import operation
from ostraka.cli.txn_words import BadLine
from ostraka.txn import Compare, Operation

PARAGRAPHS: Final = ("compares", "operations if they all hold", "operations otherwise")


@dataclass
class Draft:
    """What has been read of it so far."""

    compares: list[Compare] = field(default_factory=list)
    then: list[Operation[Any]] = field(default_factory=list)
    otherwise: list[Operation[Any]] = field(default_factory=list)
    lines: dict[Operation[Any], str] = field(default_factory=dict)
    """Each operation as it was written."""
    paragraph: int = 0
    """The one that is being read; after the last one no other."""

    def add(self, line: str) -> None:
        """The next line, with or without its end. Raises BadLine, and may then be given another."""
        line = line.strip()
        if line.startswith("#"):
            return
        if not line:
            self.paragraph += 1
        elif self.paragraph == 0:
            self.compares.append(compare(line))
        elif self.paragraph < len(PARAGRAPHS):
            done = operation(line)
            (self.then if self.paragraph == 1 else self.otherwise).append(done)
            self.lines[done] = line
        else:
            raise BadLine("the transaction has ended: it has three paragraphs, each ended by an empty line")
