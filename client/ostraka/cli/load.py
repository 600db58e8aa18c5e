"""`load`: puts the records of a file, many at a time."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

import click

from ostraka.cli.output import write, write_json
from ostraka.cli.progress import progress
from ostraka.cli.records import BadRecord, decode_record, records_told
from ostraka.cli.session import Session, global_options
from ostraka.clock import BootClock, Clock
from ostraka.errors import OstrakaError, OutcomeUnknown, Retryable

if TYPE_CHECKING:
    from ostraka.aio import Client

BATCH_LINES = 1000  # read by a thread at once
QUEUED_RECORDS = 16  # ahead of each caller
TRIES = 10  # of a put; each of them lasts up to the timeout
PAUSE_S = 0.2  # before the second try; n times as long before the n-th after it


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    records: int
    repeated: int
    seconds: float
    problem: str | None = None
    """What is wrong with the first malformed line. The lines before it were loaded."""


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    size: int
    key: bytes
    value: bytes


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--callers", type=click.IntRange(1, 10_000), default=256, show_default=True, help="Puts in flight.")
@global_options
@click.pass_obj
def load(session: Session, file: BinaryIO, callers: int) -> None:
    """Put every record of FILE.

    FILE is what `ostraka dump` writes; standard input where none is named. A record is a line of JSON:
    {"key":"k","value":"v"}, with key_base64 or value_base64 instead for bytes that are not UTF-8. Of several records
    of one key the last one stays.

    Whatever can be tried again is, also a put whose outcome is unknown: it sets the same key to the same value. So a
    put may count twice in the key's version, and may undo what somebody else wrote to that key meanwhile. A load
    that ends early has stored some of the records; start it again from the beginning.

    \b
    Examples:
      ostraka load backup.jsonl
      zcat backup.jsonl.gz | ostraka load --callers 1000
    """

    async def loading(client: Client) -> Loaded:
        with progress("load", os.fstat(file.fileno()).st_size if file.seekable() else None, "bytes") as advance:
            return await load_records(client, file, callers, BootClock(), advance)

    done = session.run(loading)
    rate = round(done.records / done.seconds) if done.seconds else 0
    if session.json:
        summary = {"records": done.records, "repeated": done.repeated, "seconds": round(done.seconds, 3)}
        write_json(summary | {"records_per_second": rate})
    else:
        repeated = f", {done.repeated} repeated" if done.repeated else ""
        write(f"{records_told(done.records)} in {done.seconds:.1f} s ({rate:,} a second){repeated}\n".encode())
    if done.problem is not None:
        raise click.ClickException(f"{done.problem}; the records before it are loaded")


class _Putter:
    """Puts records through many callers at once.

    All records of one key go through the same caller, in the order of the file: so the last one stays, and a put
    that is repeated never overtakes a later put of its key.
    """

    def __init__(self, client: Client, callers: int, clock: Clock, advance: Callable[[int], None]) -> None:
        self._client = client
        self._clock = clock
        self._advance = advance
        self._queues: list[asyncio.Queue[_Record | None]] = [asyncio.Queue(QUEUED_RECORDS) for _ in range(callers)]
        self.records = 0
        self.repeated = 0

    async def put_all(self, records: AsyncIterator[_Record]) -> None:
        async with asyncio.TaskGroup() as callers:
            for queue in self._queues:
                callers.create_task(self._call(queue))
            async for record in records:
                await self._queues[zlib.crc32(record.key) % len(self._queues)].put(record)
            for queue in self._queues:
                await queue.put(None)

    async def _call(self, queue: asyncio.Queue[_Record | None]) -> None:
        while (record := await queue.get()) is not None:
            await self._put(record)
            self.records += 1
            self._advance(record.size)

    async def _put(self, record: _Record) -> None:
        for tried in range(1, TRIES + 1):
            try:
                await self._client.put(record.key, record.value)
                return
            except (Retryable, OutcomeUnknown) as error:
                if tried == TRIES:
                    error.add_note(f"line {record.line}")
                    raise
            except OstrakaError as error:
                error.add_note(f"line {record.line}")
                raise
            self.repeated += 1
            await self._clock.sleep(PAUSE_S * tried)


class _Reader:
    """The records of a file, read in a thread: a slow pipe must not hold up the answers to puts in flight."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.problem: str | None = None

    async def records(self) -> AsyncIterator[_Record]:
        """Ends at the end of the file, or before the first malformed line, which `problem` then names."""
        number = 0
        while lines := await asyncio.to_thread(lambda: list(islice(self._file, BATCH_LINES))):
            for line in lines:
                number += 1
                try:
                    yield _Record(number, len(line), *decode_record(line))
                except BadRecord as error:
                    self.problem = f"line {number}: {error}"
                    return


async def load_records(
    client: Client, file: BinaryIO, callers: int, clock: Clock, advance: Callable[[int], None]
) -> Loaded:
    """Puts the records of `file`; raises the first error of a put that trying again did not mend, its line noted."""
    began = clock.now()
    reader, putter = _Reader(file), _Putter(client, callers, clock, advance)
    try:
        await putter.put_all(reader.records())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return Loaded(putter.records, putter.repeated, clock.now() - began, reader.problem)
