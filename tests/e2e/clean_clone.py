"""A clean clone in an empty environment: `make run`, and the commands that it prints."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from time import perf_counter

from tests.e2e.foreground import make_run
from tests.e2e.network import private_network
from tests.repo.sources import ROOT

EXAMPLES = 3
SECONDS_MAX = 1800


def clean_clone(directory: Path) -> dict[str, object]:
    """Figures. AssertionError where something fails; `make venv` needs the machine's package index."""
    directory.mkdir()
    clone = directory / "ostraka"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
    environment = {"PATH": _path_without(ROOT / ".venv"), "HOME": str(directory)}
    began = perf_counter()
    subprocess.run(["make", "venv"], cwd=clone, env=environment, check=True, timeout=SECONDS_MAX)
    built_seconds = perf_counter() - began
    with private_network() as within, make_run(clone, within, environment) as printed:
        examples = re.findall(r"^  (\S*ostraka .*)$", printed, flags=re.MULTILINE)
        assert len(examples) == EXAMPLES, printed
        answers = [_shell(example, clone, within, environment) for example in examples]
    assert "hello" in answers[1], "`get greeting` gives what `put greeting` put"
    return {"examples": len(examples), "make venv s": round(built_seconds)}


def _shell(command: str, directory: Path, within: list[str], environment: dict[str, str]) -> str:
    answer = subprocess.run(
        [*within, "sh", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def _path_without(directory: Path) -> str:
    """Where programs are, but for those of an environment that this runs in."""
    entries = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if not Path(entry).is_relative_to(directory))
