"""What is built of the project, and environments that hold it and what it asks for, nothing else."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.commands import output
from tests.repo.sources import ROOT

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
ALONE = ("env", "--unset=PYTHONPATH", "--unset=MYPYPATH")
"""Begins a command that is to see what is installed, and not the project's sources."""
LOCKED = ROOT / "requirements" / "dev.txt"
"""Holds what is installed to the versions and hashes that are tested elsewhere too."""


def tracked(*folders: str) -> set[str]:
    """The files that git tracks in these folders, from the root."""
    return set(output("git", "-C", str(ROOT), "ls-files", "-z", "--", *folders).split("\0")) - {""}


def export(directory: Path) -> Path:
    """The project without anything that lies beside what git tracks."""
    for name in tracked():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, directory / name)
    return directory


@dataclass(frozen=True)
class Built:
    """What is offered to install."""

    wheel: Path
    sdist: Path


def build(project: Path, directory: Path) -> Built:
    """Both, of an exported project."""
    output("env", "-C", str(project), sys.executable, "-m", "hatchling", "build", "-d", str(directory))
    return Built(next(directory.glob("*.whl")), next(directory.glob("*.tar.gz")))


def wheel_of(sdist: Path, directory: Path) -> Path:
    """As pip makes it for someone who has only the sdist."""
    output(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(sdist))
    return next(directory.glob("*.whl"))


class Environment:
    """A virtual environment with the wheel in it."""

    def __init__(self, directory: Path, wheel: Path, extras: str = "") -> None:
        """`extras` as they stand behind the name: "[cli]"."""
        # Without a pip of its own, which would take longer than all that is installed: ours works on it.
        output(sys.executable, "-m", "venv", "--without-pip", str(directory))
        self._python = directory / "bin" / "python"
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        wanted = f"ostraka{extras} @ {wheel.as_uri()}#sha256={digest}"
        self._pip("install", "--no-compile", "--constraint", str(LOCKED), wanted)

    def command(self, name: str) -> list[str]:
        """What begins a command that runs a program of it."""
        return [*ALONE, str(self._python.with_name(name))]

    def mypy(self) -> list[str]:
        """What begins a command that checks programs against it, strictly."""
        options = ("--strict", "--no-incremental", "--config-file=", f"--python-executable={self._python}")
        return [*ALONE, sys.executable, "-m", "mypy", *options]

    def distributions(self) -> set[str]:
        """The names of all that is installed."""
        listed = self._pip("list", "--format=freeze")
        return {line.partition("==")[0].lower().replace("_", "-") for line in listed.splitlines()}

    def _pip(self, *arguments: str) -> str:
        return output(*ALONE, *PIP, "--python", str(self._python), *arguments)
