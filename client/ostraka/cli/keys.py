"""`put` and `del`: writes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from ostraka.cli.output import write, write_json
from ostraka.cli.records import text_field
from ostraka.cli.session import Session, global_options

if TYPE_CHECKING:
    from ostraka.values import KeyValue


def document(kv: KeyValue, *, keys_only: bool = False) -> dict[str, object]:
    """A key and what is known of it, for JSON."""
    fields: list[tuple[str, object]] = [text_field("key", kv.key)]
    if not keys_only:
        fields.append(text_field("value", kv.value))
    return dict(fields) | {
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
    }


@click.command()
@click.argument("key")
@click.argument("value", required=False)
@click.option("--file", type=click.File("rb"), help="Take the value from this file, to the last byte.")
@click.option("--prev", is_flag=True, help="Print what was there before too.")
@global_options
@click.pass_obj
def put(session: Session, key: str, value: str | None, file: BinaryIO | None, prev: bool) -> None:
    """Set KEY to VALUE.

    Prints the revision that this made. VALUE may be - for standard input, to the last byte (a newline at its end
    included).

    \b
    Examples:
      ostraka put greeting hello
      date | ostraka put today -
      ostraka put logo --file logo.png
      ostraka put counter 2 --prev
      ostraka put temperature -- -5
    """
    if (value is None) == (file is None):
        raise click.UsageError("give either a VALUE or --file")
    data = file.read() if file else sys.stdin.buffer.read() if value == "-" else os.fsencode(value or "")
    result = session.run(lambda client: client.put(os.fsencode(key), data, prev=prev))
    if session.json:
        before = {"prev": document(result.prev) if result.prev else None} if prev else {}
        write_json({"revision": result.revision} | before)
        return
    write(b"revision %d\n" % result.revision)
    if prev:
        write(b"before: %b\n" % result.prev.value if result.prev else b"the key is new\n")


@click.command("del")
@click.argument("key", required=False)
@click.option("--range-end", metavar="END", help="Delete every key from KEY on and before END.")
@click.option("--prefix", help="Delete every key that begins so.")
@global_options
@click.pass_obj
def delete(session: Session, key: str | None, range_end: str | None, prefix: str | None) -> None:
    """Delete KEY, or many keys at once.

    Prints how many there were; none is no error. All go at once, so one delete takes some 20,000 keys of 128 bytes
    at most; more are refused, and nothing is deleted: take smaller ranges, one after the other.

    \b
    Examples:
      ostraka del greeting
      ostraka del user/100 --range-end user/200
      ostraka del --prefix session/
    """
    if (key is None) == (prefix is None) or (range_end is not None and key is None):
        raise click.UsageError("give a KEY, a KEY and --range-end, or --prefix")
    if "" in (key, range_end, prefix):
        # An empty prefix would be every key: more likely a shell variable that was never set.
        raise click.UsageError("KEY, END and the prefix must not be empty")
    if prefix is not None:
        count = session.run(lambda client: client.delete(prefix=os.fsencode(prefix)))
    else:
        end = os.fsencode(range_end) if range_end is not None else None
        count = session.run(lambda client: client.delete(os.fsencode(key or ""), end))
    if session.json:
        write_json({"deleted": count})
    else:
        write(b"%d\n" % count)
