"""Lines of a transaction, cut into words."""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b'"': b'"', b"'": b"'", b"\\": b"\\"}

_QUOTED: Final = r'"(?P<quoted>(?:[^"\\]|\\.)*)"' + r"|'(?P<raw>[^']*)'"
_BETWEEN_BLANKS: Final = re.compile(rf"(?:{_QUOTED}|(?P<bare>[^\s\"'][^\s]*))(?=\s|$)\s*")
_AND_SIGNS: Final = re.compile(rf"(?:{_QUOTED}|(?P<sign>==|!=|[=<>(),])|(?P<bare>[^\s\"'=<>(),!]+))\s*")


class BadLine(ValueError):
    """A line that means nothing; says why, and what would."""


class Word(NamedTuple):
    """A text, as it is after its quotes are gone; or a sign."""

    text: bytes
    kind: str
    """bare, quoted, raw or sign."""

    def __str__(self) -> str:
        return os.fsdecode(self.text)

    @property
    def is_option(self) -> bool:
        """Whether it begins with a dash and is not quoted."""
        return self.kind == "bare" and self.text.startswith(b"-") and len(self.text) > 1


def words(line: str) -> list[Word]:
    """What stands between blanks, quotes respected. Raises BadLine."""
    return _cut(line, _BETWEEN_BLANKS)


def words_and_signs(line: str) -> list[Word]:
    """The same, where =, !=, <, >, parentheses and commas stand by themselves. Raises BadLine."""
    return _cut(line, _AND_SIGNS)


def _cut(line: str, pattern: re.Pattern[str]) -> list[Word]:
    found, place, line = [], 0, line.strip()
    while place < len(line):
        match = pattern.match(line, place)
        if match is None or match.lastgroup is None:
            raise BadLine(f"cannot read on at {line[place:]!r}: is a quote missing?")
        text = os.fsencode(match[match.lastgroup])
        found.append(Word(_ESCAPE.sub(_unescaped, text) if match.lastgroup == "quoted" else text, match.lastgroup))
        place = match.end()
    return found


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes.fromhex(match[1].decode())
    if match[2] not in _ESCAPED:
        raise BadLine(f'\\{os.fsdecode(match[2])} is no escape: there are \\n \\t \\r \\0 \\" \\\\ and \\x00 to \\xff')
    return _ESCAPED[match[2]]
