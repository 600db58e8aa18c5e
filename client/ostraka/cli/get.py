"""`get`: a key, or keys in order."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import click

from ostraka._keys import after
from ostraka.cli.exits import Exit
from ostraka.cli.key_values import document
from ostraka.cli.output import write, write_json
from ostraka.cli.range import Span, show_range
from ostraka.cli.reading import LIMIT, how, read_options
from ostraka.cli.session import Session, global_options


@click.command()
@click.argument("key", required=False)
@click.option("--range-end", metavar="END", help="List every key from KEY on and before END.")
@click.option("--prefix", help="List every key that begins so.")
@click.option("--limit", type=LIMIT, help="List at most so many keys.")
@click.option("--keys-only", is_flag=True, help="The keys alone, one a line.")
@click.option("--count", is_flag=True, help="Only how many keys there are.")
@read_options
@global_options
@click.pass_obj
def get(
    session: Session,
    key: str | None,
    range_end: str | None,
    prefix: str | None,
    limit: int | None,
    keys_only: bool,
    count: bool,
    revision: int | None,
    at: datetime | None,
    serializable: bool,
    max_staleness: timedelta | None,
) -> Exit:
    """Print the value of KEY, as it is or as it was.

    The bytes as they are, and a newline. Where there is no such key: silence and exit code 1. With --range-end or
    --prefix: a table of many keys, as `ostraka range` prints it, all as of one moment.

    \b
    Examples:
      ostraka get greeting
      ostraka get greeting --json
      ostraka get lock/owner || echo nobody
      ostraka get greeting --at 10m
      ostraka get greeting --revision 41
      ostraka get greeting --max-staleness 5s
      ostraka get --prefix user/ --keys-only
      ostraka get --prefix user/ --count --at 2026-03-01T12:00
    """
    if (key is None) == (prefix is None) or (range_end is not None and key is None):
        raise click.UsageError("give a KEY, a KEY and --range-end, or --prefix")
    if range_end == "":
        raise click.UsageError("END must not be empty; `ostraka range KEY` lists every key from KEY on")
    if limit is not None and prefix is None and range_end is None:
        raise click.UsageError("--limit goes with --range-end or --prefix")
    options = how(revision, at, serializable, max_staleness)
    if prefix is not None:
        show_range(session, Span(start=None, end=None, prefix=os.fsencode(prefix)), options, limit, keys_only, count)
        return Exit.OK
    name = os.fsencode(key or "")
    if range_end is not None or count:
        end = after(name) if range_end is None else os.fsencode(range_end)
        show_range(session, Span(start=name, end=end, prefix=None), options, limit, keys_only, count)
        return Exit.OK
    kv = session.run(lambda client: client.get(name, **options))
    if kv is None:
        return Exit.ABSENT
    if session.json:
        write_json(document(kv, keys_only=keys_only))
    else:
        write((kv.key if keys_only else kv.value) + b"\n")
    return Exit.OK
