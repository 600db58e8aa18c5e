"""`value("a") = "1"`: a compare of a transaction, as a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ostraka.cli.txn_words import BadLine, Word, words_and_signs
from ostraka.txn import Compare, absent, create_revision, exists, lease, mod_revision, value, version

_FIELDS: Final[Mapping[str, Callable[..., Any]]] = {
    "value": value, "val": value,
    "version": version, "ver": version,
    "create": create_revision, "create_revision": create_revision, "c": create_revision,
    "mod": mod_revision, "mod_revision": mod_revision, "m": mod_revision,
    "lease": lease,
}  # fmt: skip
_ALONE: Final[Mapping[str, Callable[..., Compare]]] = {"absent": absent, "exists": exists}
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Compare]]] = {
    "=": lambda field, operand: field == operand,
    "==": lambda field, operand: field == operand,
    "!=": lambda field, operand: field != operand,
    ">": lambda field, operand: field > operand,
    "<": lambda field, operand: field < operand,
}

EXAMPLES: Final = 'value("a") = "1", mod("a") > 41, version(prefix="a/") = 0, absent("a")'


def compare(line: str) -> Compare:
    """Raises BadLine."""
    found = words_and_signs(line)
    name = str(found[0])
    if name not in _FIELDS and name not in _ALONE:
        raise BadLine(f"{name!r} begins no compare: write {EXAMPLES}. An empty line ends the compares")
    try:
        close = found.index(Word(b")", "sign"))
    except ValueError:
        raise BadLine(f'{name} needs a key in parentheses: {name}("key")') from None
    where, rest = _where(name, found[1:close]), found[close + 1 :]
    if name in _ALONE:
        if rest:
            raise BadLine(f"{name} is compared with nothing: leave out {str(rest[0])!r} and what follows")
        return _ALONE[name](**where)
    if len(rest) != 2 or rest[0].kind != "sign" or str(rest[0]) not in _OPERATORS or rest[1].kind == "sign":
        raise BadLine(f"after the parenthesis come =, !=, > or < and what to compare with: {name}(...) = 1")
    return _OPERATORS[str(rest[0])](_FIELDS[name](**where), _operand(name, rest[1]))


def _where(name: str, inside: list[Word]) -> dict[str, bytes]:
    """The arguments that stand behind the opening parenthesis, for the SDK."""
    shape = "".join(str(word) if word.kind == "sign" else "w" for word in inside)
    texts = [word.text for word in inside if word.kind != "sign"]
    if shape == "(w=w" and texts[0] == b"prefix" and texts[1]:
        return {"prefix": texts[1]}
    if shape == "(w" and texts[0]:
        return {"key": texts[0]}
    if shape == "(w,w" and all(texts):
        return {"key": texts[0], "end": texts[1]}
    raise BadLine(f'write {name}("key"), {name}("first", "end") or {name}(prefix="begin"), with no empty text')


def _operand(name: str, word: Word) -> bytes | int:
    if _FIELDS[name] is value:
        return word.text
    if not word.text.isdigit() or int(word.text) >= 1 << 64:
        raise BadLine(f"{name} is compared with a whole number from 0, not {str(word)!r}")
    return int(word.text)
