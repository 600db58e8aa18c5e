"""`put a 1`: an operation of a transaction, as a line; the words and options are those of the commands of that name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ostraka.cli.txn_words import BadLine, Word, words
from ostraka.txn import Count, Delete, Get, Operation, Put, Range


class _Verb(NamedTuple):
    usage: str
    make: Callable[[list[bytes], dict[str, Any]], Operation[Any]]
    words: range
    """How many stand behind it, options aside."""
    options: Mapping[str, Callable[[Word], object] | None] = {}
    """What makes a value of the word behind an option; None where it takes none."""


def _number(word: Word) -> int:
    if not word.text.isdigit() or not 0 < int(word.text) < 1 << 64:
        raise BadLine(f"{str(word)!r} is no whole number from 1")
    return int(word.text)


def _text(word: Word) -> bytes:
    if not word.text:
        raise BadLine("a prefix or end must not be empty")
    return word.text


def _order(word: Word) -> str:
    if str(word) not in ("key", "version", "create", "mod", "value"):
        raise BadLine(f"keys are sorted by key, version, create, mod or value, not by {str(word)!r}")
    return str(word)


def _delete(texts: list[bytes], options: dict[str, Any]) -> Operation[Any]:
    if bool(texts) == ("prefix" in options) or ("range_end" in options and not texts):
        raise BadLine("del needs either a KEY or --prefix")
    return Delete(texts[0] if texts else None, options.pop("range_end", None), **options)


def _range(texts: list[bytes], options: dict[str, Any]) -> Operation[Any]:
    if texts and "prefix" in options:
        raise BadLine("range needs either START and END or --prefix")
    if not options.pop("count", False):
        return Range(*texts, **options)
    if options.keys() - {"prefix", "revision"}:
        raise BadLine("--count counts the whole range: leave out the other options")
    return Count(*texts, **options)


_VERBS: Final = {
    "put": _Verb("put KEY VALUE [--prev]", lambda texts, options: Put(*texts, **options), range(2, 3), {"prev": None}),
    "get": _Verb(
        "get KEY [--revision N]", lambda texts, options: Get(*texts, **options), range(1, 2), {"revision": _number}
    ),
    "del": _Verb(
        "del KEY [--range-end END] [--prev] or del --prefix PREFIX [--prev]",
        _delete,
        range(2),
        {"range-end": _text, "prefix": _text, "prev": None},
    ),
    "range": _Verb(
        "range [START [END]] [--prefix PREFIX] [--limit N] [--keys-only] [--count] [--sort-by WHAT] [--descending] "
        "[--revision N]",
        _range,
        range(3),
        {
            "prefix": _text,
            "limit": _number,
            "keys-only": None,
            "count": None,
            "sort-by": _order,
            "descending": None,
            "revision": _number,
        },
    ),
}

USAGES: Final = tuple(verb.usage for verb in _VERBS.values())


def operation(line: str) -> Operation[Any]:
    """Raises BadLine."""
    name, *rest = words(line)
    verb = _VERBS.get(str(name))
    if verb is None:
        raise BadLine(f"{str(name)!r} is no operation: there are {', '.join(_VERBS)}. An empty line ends a list")
    texts, options = _sorted_out(rest, verb)
    if len(texts) not in verb.words or (texts and not texts[0]):
        raise BadLine(f"write {verb.usage}, with quotes around a text that has blanks, and no empty key")
    return verb.make(texts, options)


def _sorted_out(rest: list[Word], verb: _Verb) -> tuple[list[bytes], dict[str, Any]]:
    texts: list[bytes] = []
    options: dict[str, Any] = {}
    following = iter(rest)
    for word in following:
        if not word.is_option:
            texts.append(word.text)
            continue
        name = str(word).removeprefix("--")
        if name not in verb.options or not str(word).startswith("--"):
            raise BadLine(f"{word} is no option here: write {verb.usage}, or quote it if it is a text")
        options[name.replace("-", "_")] = _value_of(word, verb.options[name], following)
    return texts, options


def _value_of(option: Word, make: Callable[[Word], object] | None, following: Any) -> object:
    if make is None:
        return True
    word = next(following, None)
    if word is None:
        raise BadLine(f"{option} needs something behind it")
    return make(word)
