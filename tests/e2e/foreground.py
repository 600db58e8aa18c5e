"""A cluster in the foreground of a terminal, as somebody starts it to try it: `make run`, or `ostraka dev`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter, sleep

from tests.e2e.harness import POLL_SECONDS
from tests.e2e.member import DIES_WITH_US, STOP_SECONDS_MAX

START_SECONDS_MAX = 300.0
BANNER_ENDS = "Ctrl-C stops the cluster"


def make_run(directory: Path, within: Sequence[str], environment: Mapping[str, str]) -> AbstractContextManager[str]:
    """`make run`, as somebody does who has just cloned the repository."""
    return in_foreground([*within, *DIES_WITH_US, "make", "run"], directory, environment)


@contextmanager
def in_foreground(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """What it prints once the cluster, in ./data, is ready. Then Ctrl-C's signal stops it, and it must exit with 0.

    Only `ostraka dev` gets the signal: a terminal would send it to make as well, which then dies by it whatever the
    command came to.
    """
    printed = directory / "printed.log"
    with printed.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield _banner(process, printed)
        os.kill(_supervisor(directory), signal.SIGINT)
        assert process.wait(STOP_SECONDS_MAX) == 0, printed.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _banner(process: subprocess.Popen[bytes], printed: Path) -> str:
    deadline = perf_counter() + START_SECONDS_MAX
    while BANNER_ENDS not in (text := printed.read_text()):
        assert process.poll() is None, f"the cluster's command exited with {process.returncode}:\n{text}"
        assert perf_counter() < deadline, f"the cluster is not ready after {START_SECONDS_MAX:.0f} s:\n{text}"
        sleep(POLL_SECONDS)
    return text


def endpoints(printed: str) -> str:
    """Where the nodes of a cluster that printed this serve clients, with commas between them."""
    ready = re.search(r"^ready: (.*)$", printed, re.MULTILINE)
    assert ready, printed
    return ready[1].replace(" ", "")


def _supervisor(directory: Path) -> int:
    document = json.loads((directory / "data" / "cluster.json").read_text())
    pid = document["supervisor_pid"]
    assert isinstance(pid, int)
    return pid
