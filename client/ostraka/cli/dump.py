"""`dump`: writes keys and values to a file that `load` takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ostraka.cli.progress import progress
from ostraka.cli.records import encode_record, records_told
from ostraka.cli.session import Session, global_options

if TYPE_CHECKING:
    from ostraka.aio import Client


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), default="-")
@click.option("--prefix", help="Only the keys that begin so.")
@global_options
@click.pass_obj
def dump(session: Session, file: Path, prefix: str | None) -> None:
    """Write every key and value to FILE.

    In key order; to standard output where no FILE is named. One record a line: {"key":"k","value":"v"}, with
    key_base64 or value_base64 instead for bytes that are not UTF-8. `ostraka load` takes it, and dumping the same keys
    and values again gives the same file bit for bit. A file appears under its name only once it is complete.

    A picture of one moment, however long it takes and whatever others write meanwhile. A dump that takes longer than
    the servers keep history fails with exit code 4.

    \b
    Examples:
      ostraka dump backup.jsonl
      ostraka dump | gzip > backup.jsonl.gz
      ostraka dump --prefix user/ users.jsonl
    """
    wanted = os.fsencode(prefix) if prefix is not None else None

    async def dumping(client: Client) -> int:
        # Counting the keys first takes a while, and only serves who is watching.
        total = await client.count(prefix=wanted) if sys.stderr.isatty() else None
        records = 0
        with _opened(file) as out, progress("dump", total, "records") as advance:
            async for kv in client.range(prefix=wanted):
                out.write(encode_record(kv.key, kv.value))
                records += 1
                advance(1)
        return records

    records = session.run(dumping)
    click.echo(records_told(records), err=True)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    partial = file.with_name(f"{file.name}.partial")
    try:
        with partial.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
