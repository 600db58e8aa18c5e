"""Programs that a test runs to their end beside a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.member import DIES_WITH_US, environment

OSTRAKA = str(Path(sys.executable).with_name("ostraka"))
SECONDS_MAX = 300


def run(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Its exit code and output. subprocess.TimeoutExpired after five minutes."""
    return subprocess.run(
        [*DIES_WITH_US, *command],
        env=environment(),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


def output(*command: str, stdin: str | None = None) -> str:
    """Its standard output. AssertionError, with all that it said, where it fails."""
    answer = run(*command, stdin=stdin)
    assert answer.returncode == 0, f"{command} exited with {answer.returncode}:\n{answer.stdout}{answer.stderr}"
    return answer.stdout
