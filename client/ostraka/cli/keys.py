"""`put` and `del`: writes."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import click

from ostraka.cli.key_values import document, write_key_table
from ostraka.cli.output import write, write_json
from ostraka.cli.session import Session, global_options


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
@click.option("--prev", is_flag=True, help="Print what was there before too, as range does.")
@global_options
@click.pass_obj
def delete(session: Session, key: str | None, range_end: str | None, prefix: str | None, prev: bool) -> None:
    """Delete KEY, or many keys at once.

    Prints how many there were; none is no error. All go at once, so one delete takes some 20,000 keys of 128 bytes
    at most; more are refused, and nothing is deleted: take smaller ranges, one after the other.

    \b
    Examples:
      ostraka del greeting
      ostraka del user/100 --range-end user/200
      ostraka del --prefix session/ --prev
    """
    if (key is None) == (prefix is None) or (range_end is not None and key is None):
        raise click.UsageError("give a KEY, a KEY and --range-end, or --prefix")
    if "" in (key, range_end, prefix):
        # An empty prefix would be every key: more likely a shell variable that was never set.
        raise click.UsageError("KEY, END and the prefix must not be empty")
    if prefix is not None:
        result = session.run(lambda client: client.delete(prefix=os.fsencode(prefix), prev=prev))
    else:
        end = os.fsencode(range_end) if range_end is not None else None
        result = session.run(lambda client: client.delete(os.fsencode(key or ""), end, prev=prev))
    if session.json:
        before = {"prev": list(map(document, result.prev))} if prev else {}
        write_json({"deleted": result.deleted, "revision": result.revision} | before)
        return
    write(b"%d\n" % result.deleted)
    if result.prev:
        write_key_table(result.prev)
