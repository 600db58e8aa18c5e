"""What others do to a cluster, in processes of their own: the time that they take is not the test's."""

from __future__ import annotations

import asyncio
import json
import sys

from bench.figures import Figures
from tests.e2e.harness import Cluster
from tests.e2e.member import DIES_WITH_US, environment


async def load(cluster: Cluster, *options: str) -> Figures:
    """What `python -m bench.load` measures with these options."""
    answer = await _run("bench.load", f"--endpoints={','.join(cluster.endpoints)}", *options, "--json")
    return Figures(**json.loads(answer)["all"])


async def scan(cluster: Cluster, keys: int, seconds: float) -> float:
    """Keys a second, of so many, that are read by one who does nothing else for so long."""
    answer = await _run("tests.e2e.scanner", str(seconds), ",".join(cluster.endpoints))
    scans = [json.loads(line) for line in answer.splitlines()]
    assert {each["keys"] for each in scans} == {keys}, f"not {keys} keys: {scans}"
    return float(sum(each["keys"] for each in scans) / sum(each["seconds"] for each in scans))


async def _run(module: str, *arguments: str) -> str:
    """What it prints. AssertionError where it fails."""
    command = (*DIES_WITH_US, sys.executable, "-m", module, *arguments)
    process = await asyncio.create_subprocess_exec(*command, env=environment(), stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0, f"{module} exited with {process.returncode}"
    return printed.decode()
