"""`txn`: compare, then do one list of operations or the other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

import click

from ostraka.cli.exits import Exit
from ostraka.cli.key_values import document
from ostraka.cli.output import printable, write, write_json, write_table
from ostraka.cli.session import Failure, Session, global_options
from ostraka.cli.txn_language import PARAGRAPHS, Draft
from ostraka.cli.txn_words import BadLine
from ostraka.txn import Count, Operation, RangeResult, TxnResult
from ostraka.values import DeleteResult, KeyValue, PutResult

if TYPE_CHECKING:
    from ostraka.values import Result


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@global_options
@click.pass_obj
def txn(session: Session, file: BinaryIO) -> None:
    """Compare, then do one list or the other.

    FILE, or standard input, has three paragraphs, each ended by an empty line: compares, operations to do if all of
    them hold, operations to do otherwise. Each may be empty, and the last ones may be missing. Typed by hand, each
    paragraph is asked for. All is done at once and under one revision; a list may not change a key twice.

    \b
    Compares, with =, !=, > and <:
      value("a") = "1"       version("a") = 2       create("a") < 40
      mod("a") > 41          absent("a")            exists("a")
      lease("a") = 0
      version("a", "b") > 0, version(prefix="a/") > 0: of every key there
    \b
    Operations, as the commands of these names; each sees what those before it wrote:
      put KEY VALUE [--prev]
      get KEY [--revision N]
      del KEY [--range-end END] [--prev]    del --prefix PREFIX [--prev]
      range [START [END]]          range --prefix PREFIX [--limit N] [--keys-only] [--count]
      and for range --sort-by WHAT, --descending, --revision N

    A text with blanks in it, or one that begins with a dash, stands in quotes; in double quotes \\n, \\", \\\\ and
    \\xff are understood. A line that begins with # is a comment.

    Prints whether the compares held, the revision, and what came of each operation. The exit code does not depend on
    the compares: what they chose was done.

    \b
    Examples:
      ostraka txn
      ostraka txn order.txn --json | jq .succeeded
      printf 'absent("door")\\n\\nput door open\\n\\nget door\\n' | ostraka txn
    """
    by_hand = file.isatty()
    draft = _typed(file) if by_hand else _read(file)
    result = session.run(lambda client: client.txn(draft.compares, then=draft.then, otherwise=draft.otherwise))
    done = draft.then if result.succeeded else draft.otherwise
    if session.json:
        answers = [_document(operation, result[operation]) for operation in done]
        write_json({"succeeded": result.succeeded, "revision": result.revision, "results": answers})
    else:
        _show(result, [(draft.lines[operation], operation) for operation in done])


def _read(lines: Iterable[bytes]) -> Draft:
    draft = Draft()
    for number, line in enumerate(lines, 1):
        try:
            draft.add(os.fsdecode(line))
        except BadLine as problem:
            raise Failure(f"line {number}: {problem}", Exit.USAGE) from None
    return draft


def _typed(terminal: BinaryIO) -> Draft:
    """Ask for each paragraph. A line that means nothing is asked for again."""
    draft, asked = Draft(), -1
    while draft.paragraph < len(PARAGRAPHS):
        if draft.paragraph != asked:
            asked = draft.paragraph
            click.echo(f"{PARAGRAPHS[asked]}; an empty line ends them:", err=True)
        line = terminal.readline()
        if not line:
            break
        try:
            draft.add(os.fsdecode(line))
        except BadLine as problem:
            click.echo(f"  {problem}", err=True)
    return draft


def _document(operation: Operation[object], result: Result) -> dict[str, object]:
    if isinstance(result, PutResult):
        return {"put": {"revision": result.revision, "prev": document(result.prev) if result.prev else None}}
    if isinstance(result, RangeResult):
        return {"range": {"keys": list(map(document, result.kvs)), "more": result.more, "count": result.count}}
    if isinstance(result, DeleteResult):
        return {"deleted": result.deleted, "prev": list(map(document, result.prev))}
    if isinstance(operation, Count):
        return {"count": result}
    return {"get": document(result) if isinstance(result, KeyValue) else None}


def _show(result: TxnResult, done: list[tuple[str, Operation[object]]]) -> None:
    outcome = b"succeeded" if result.succeeded else b"failed: not all compares held"
    write(b"%b, revision %d\n" % (outcome, result.revision))
    rows = [row for line, operation in done for row in _rows(line, operation, result[operation])]
    if rows:
        write_table(("OPERATION", "RESULT"), rows)


def _rows(line: str, operation: Operation[object], result: object) -> list[tuple[str, str]]:
    """A row for an operation, and for each key of a range one that stands in from it."""
    shown = printable(os.fsencode(line))
    if isinstance(result, PutResult):
        before = f", before: {printable(result.prev.value)}" if result.prev else ""
        return [(shown, f"revision {result.revision}{before}")]
    if isinstance(result, RangeResult):
        count = f"{len(result.kvs)} of {result.count} keys"
        return [(shown, count), *map(_row, result.kvs)]
    if isinstance(result, DeleteResult):
        return [(shown, f"{result.deleted} deleted"), *map(_row, result.prev)]
    if isinstance(operation, Count):
        return [(shown, f"{result} keys")]
    return [(shown, printable(result.value) if isinstance(result, KeyValue) else "absent")]


def _row(kv: KeyValue) -> tuple[str, str]:
    """A key that an operation gave, below it."""
    return f"  {printable(kv.key)}", printable(kv.value)
