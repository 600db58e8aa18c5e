"""What is installed is pinned, by hash, and nothing says from where: that is each machine's own affair."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo import sources

LOCKED = sources.ROOT / "requirements" / "dev.txt"
FILES = [
    sources.ROOT / "pyproject.toml",
    *sorted((sources.ROOT / "requirements").iterdir()),
    sources.ROOT / "bench" / "etcd" / "requirements.txt",
]


@pytest.mark.parametrize("path", FILES, ids=sources.name)
def test_no_file_names_an_index(path: Path) -> None:
    assert re.findall(r"\S*(?:://|index-url|find-links|trusted-host)\S*", path.read_text()) == []


def _pins() -> Iterator[str]:
    """The logical lines of the lock file."""
    for line in LOCKED.read_text().replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def test_every_pin_has_a_version_and_hashes() -> None:
    loose = [pin for pin in _pins() if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)]
    assert loose == []


def test_every_dependency_of_the_project_is_pinned() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = {_name(text) for text in [*project["dependencies"], *(each for extra in extras for each in extra)]}
    assert wanted - {_name(pin) for pin in _pins()} == set()


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match, requirement
    return match[0].lower()
