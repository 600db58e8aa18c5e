"""Puts to an Ostraka cluster through the SDK, as fast as a number of callers can that each wait for their answer.

Prints one line of JSON. `bench/etcd/put_load.go` is its twin for etcd: same options, same output, measured alike.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import random
import sys
from time import perf_counter

from bench.workload import Figures, Workload
from ostraka.aio import Client
from ostraka.errors import OstrakaError


async def measure(endpoints: list[str], workload: Workload) -> Figures:
    """Run the whole load. ValueError where every put failed."""
    latencies_ms: list[float] = []
    errors = 0
    start = perf_counter() + workload.warm_up_seconds
    end = start + workload.seconds

    async def call(client: Client, random_: random.Random) -> None:
        nonlocal errors
        value = b"x" * workload.value_bytes
        while (began := perf_counter()) < end:
            failed = False
            try:
                await client.put(f"key{random_.randrange(workload.keys):08d}", value)
            except OstrakaError:
                failed = True
            done = perf_counter()
            if not start <= done < end:
                continue
            if failed:
                errors += 1
            else:
                latencies_ms.append((done - began) * 1000)

    async with Client(endpoints) as client, asyncio.TaskGroup() as callers:
        for caller in range(workload.callers):
            callers.create_task(call(client, random.Random(caller)))
    return Figures.of(latencies_ms, errors, workload.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.put_load", description=__doc__)
    parser.add_argument("--endpoints", required=True, help="comma-separated")
    Workload.add_options(parser)
    arguments = parser.parse_args()
    try:
        figures = asyncio.run(measure(arguments.endpoints.split(","), Workload.of(arguments)))
    except ValueError as error:
        sys.exit(str(error))
    print(json.dumps(dataclasses.asdict(figures)))


if __name__ == "__main__":
    main()
