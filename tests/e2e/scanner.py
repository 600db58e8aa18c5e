"""A client that reads all keys, again and again for some seconds: `python -m tests.e2e.scanner SECONDS HOST:PORT,...`.

Prints a line of JSON for each time: how many keys there were and how long it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter

from ostraka.aio import Client


async def scan_all(client: Client) -> int:
    """How many keys there are, by reading them and their values."""
    scan, keys = client.range(prefix=b"", timeout=30.0), 0
    while rows := await scan.page():
        keys += len(rows)
    return keys


async def main() -> None:
    seconds, endpoints = sys.argv[1:]
    end = perf_counter() + float(seconds)
    async with Client(endpoints.split(",")) as client:
        await client.members()
        while (began := perf_counter()) < end:
            keys = await scan_all(client)
            sys.stdout.write(json.dumps({"keys": keys, "seconds": perf_counter() - began}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
