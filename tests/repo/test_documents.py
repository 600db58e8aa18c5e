"""The documents are there and name only what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts import soak
from tests.repo import sources

README = (sources.ROOT / "README.md").read_text()
MAKEFILE = (sources.ROOT / "Makefile").read_text()
# What stands in Markdown as code: blocks and spans. Prose ("make sure") names no command.
CODE = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", README, flags=re.DOTALL))
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
UNFINISHED = re.compile("TO" + r"DO|FIX" + r"ME|\bX" + r"XX\b")
PACKAGES = [path for path in sorted((sources.ROOT / "server" / "ostraka_server").iterdir()) if path.is_dir()]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)", CODE))))
def test_make_target_in_readme_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"(?:^|[/`]|\$ )ostraka ([a-z-]+)", CODE, flags=re.MULTILINE)))
)
def test_ostraka_command_in_readme_exists(command: str) -> None:
    run_main = "from ostraka.cli import main; main()"
    answer = subprocess.run([sys.executable, "-c", run_main, command, "--help"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?:bench|scripts)\.\w+)", CODE))))
def test_module_that_readme_runs_exists(module: str) -> None:
    assert find_spec(module) is not None


@pytest.mark.parametrize("part", sorted(set(re.findall(r"scripts\.soak ([\w-]+)", CODE))))
def test_part_of_the_soak_in_readme_exists(part: str) -> None:
    assert part in {each.name for each in soak.PARTS}


def test_make_help_lists_every_target() -> None:
    listed = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, flags=re.MULTILINE))
    assert listed == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert phony and set(phony[1].split()) == TARGETS


@pytest.mark.parametrize(
    "package", [path for path in PACKAGES if path.name not in ("wire", "__pycache__")], ids=sources.name
)
def test_package_of_the_server_explains_its_design(package: Path) -> None:
    assert (package / "DESIGN.md").is_file()


@pytest.mark.parametrize("path", sources.python_files(*sources.ALL), ids=sources.name)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert UNFINISHED.findall(path.read_text()) == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_link_in_readme_leads_somewhere(link: str) -> None:
    assert (sources.ROOT / link).exists()
