"""`range`: keys in order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

import click

from ostraka.cli.key_values import document, write_key_table
from ostraka.cli.output import write, write_json
from ostraka.cli.reading import LIMIT, How, how, read_options
from ostraka.cli.session import Session, global_options

if TYPE_CHECKING:
    from ostraka._reading import SortBy
    from ostraka.aio import Client
    from ostraka.values import KeyValue

# A table is printed every so many keys, so that a long range neither fills the memory nor waits for its end.
TABLE_ROWS = 1000

SORTS = ("key", "version", "create", "mod", "value")


class Span(TypedDict):
    """The arguments that the SDK's `range` and `count` have in common."""

    start: bytes | None
    end: bytes | None
    prefix: bytes | None


@click.command("range")
@click.argument("start", required=False)
@click.argument("end", required=False)
@click.option("--prefix", help="The keys that begin so.")
@click.option("--limit", type=LIMIT, help="At most so many keys.")
@click.option("--keys-only", is_flag=True, help="The keys alone, one a line.")
@click.option("--count", is_flag=True, help="Only how many keys there are.")
@click.option("--sort-by", type=click.Choice(SORTS), default="key", show_default=True, help="In this order.")
@click.option("--descending", is_flag=True, help="The last ones first.")
@read_options
@global_options
@click.pass_obj
def range_(
    session: Session,
    start: str | None,
    end: str | None,
    prefix: str | None,
    limit: int | None,
    keys_only: bool,
    count: bool,
    sort_by: SortBy,
    descending: bool,
    revision: int | None,
    at: datetime | None,
    serializable: bool,
    max_staleness: timedelta | None,
) -> None:
    """List keys in order, as they are or as they were.

    From START on and before END; without END to the last, without START from the first.

    A table by default, in which unprintable bytes stand as \\x..; --json prints a line of JSON for each key. All keys
    are shown as of one moment, however long the range.

    \b
    Examples:
      ostraka range
      ostraka range user/100 user/200
      ostraka range --prefix user/ --limit 10
      ostraka range --prefix user/ --keys-only
      ostraka range --prefix user/ --count
      ostraka range --prefix user/ --json | jq -r .value
      ostraka range --prefix user/ --at 1h30m
      ostraka range --sort-by mod --descending --limit 10
    """
    if prefix is not None and start is not None:
        raise click.UsageError("give either START and END or --prefix")
    span = Span(start=_bytes(start), end=_bytes(end), prefix=_bytes(prefix))
    options = how(revision, at, serializable, max_staleness)
    show_range(session, span, options, limit, keys_only, count, sort_by, descending)


def show_range(
    session: Session,
    span: Span,
    how: How,
    limit: int | None,
    keys_only: bool,
    count: bool,
    sort_by: SortBy = "key",
    descending: bool = False,
) -> None:
    """Print the keys of `span`, or how many there are."""
    if count:
        if limit or keys_only:
            raise click.UsageError("--count counts the whole range: leave out --limit and --keys-only")
        total = session.run(lambda client: client.count(**span, **how))
        write_json({"count": total}) if session.json else write(b"%d\n" % total)
        return

    async def listing(client: Client) -> None:
        found = client.range(**span, **how, limit=limit, keys_only=keys_only, sort_by=sort_by, descending=descending)
        await _list(found, _printer(session.json, keys_only))

    session.run(listing)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


async def _list(found: AsyncIterator[KeyValue], show: Callable[[list[KeyValue]], None]) -> None:
    rows: list[KeyValue] = []
    async for kv in found:
        rows.append(kv)
        if len(rows) == TABLE_ROWS:
            show(rows)
            rows = []
    if rows:
        show(rows)


def _printer(json: bool, keys_only: bool) -> Callable[[list[KeyValue]], None]:
    def lines(rows: list[KeyValue]) -> None:
        for kv in rows:
            if json:
                write_json(document(kv, keys_only=keys_only))
            else:
                write(kv.key + b"\n")

    return lines if json or keys_only else write_key_table
