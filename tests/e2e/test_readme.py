"""The README's commands run as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.foreground import make_run
from tests.e2e.member import environment
from tests.e2e.network import private_network
from tests.repo.sources import ROOT

pytestmark = pytest.mark.e2e

# The first block. The cluster of `make run` serves the others; `make test` is what runs this.
BEGIN = ["make run", "make test"]
INTERPRETER = {"sh": ["bash", "-euo", "pipefail", "-s"], "python": [".venv/bin/python", "-"]}
SECONDS_MAX = 120
INSTALLS = "pip install"
"""Stands in blocks that need the machine's network, where the packages come from."""


def _blocks() -> list[tuple[str, str]]:
    """Language and code of each block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)


def _checkout(directory: Path) -> Path:
    """The repository as it is after `make venv`, with nothing of its own to write into."""
    directory.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in (".git", ".venv", "data"):
            (directory / entry.name).symlink_to(entry)
    venv = directory / ".venv"
    venv.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed":
            (venv / entry.name).symlink_to(entry)
    (venv / ".installed").touch()  # newer than what it depends on, so that make leaves it alone
    return directory


def test_every_block_runs_as_written(tmp_path: Path) -> None:
    (language, begin), *blocks = _blocks()
    assert (language, [line.partition("#")[0].strip() for line in begin.splitlines()]) == ("sh", BEGIN)
    assert blocks
    checkout = _checkout(tmp_path / "checkout")
    with private_network() as within, make_run(checkout, within, environment()):
        for language, code in blocks:
            answer = subprocess.run(
                [*([] if INSTALLS in code else within), *INTERPRETER[language]],
                cwd=checkout,
                env=environment(),
                input=code,
                capture_output=True,
                text=True,
                timeout=SECONDS_MAX,
            )
            assert answer.returncode == 0, f"{code}\n{answer.stdout}{answer.stderr}"
