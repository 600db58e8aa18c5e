"""docs/limits.md names every bound in the code, with its value; and none that is not there."""

from __future__ import annotations

import importlib
import re

import pytest

from ostraka_server.config import Config
from tests.repo import sources

ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (\d+) \|", (sources.ROOT / "docs" / "limits.md").read_text(), re.MULTILINE))

NO_ROOM = {"ROUND_MAX", "TIMEOUT_MS_MAX"}
"""They bound numbers, not what is kept."""

BOUNDING_SETTINGS = re.compile(r"limits\..*|.*_max|paxos\.window_.*|log\.segment_bytes|store\.cache_bytes|history\..*")


def bounds() -> dict[str, int]:
    """Constants whose names say that they are bounds, by module and name; times, which are no integers, are not."""
    found = {}
    for path in sources.python_files("client", "server"):
        module = ".".join(path.relative_to(sources.ROOT).with_suffix("").parts[1:])
        if "checking" in module or "cli" in module.split("."):
            continue
        for name in re.findall(r"^(MAX_\w+|\w+_MAX)\b", path.read_text(), re.MULTILINE):
            value = getattr(importlib.import_module(module), name)
            if isinstance(value, int) and name not in NO_ROOM:
                found[f"{module}.{name}"] = value
    return found


def settings() -> dict[str, str]:
    return {s.key: s.default_text for s in Config.describe() if s.type is int and BOUNDING_SETTINGS.fullmatch(s.key)}


def test_every_setting_that_bounds_something_is_there_with_its_default() -> None:
    assert {key: value for key, value in ROWS.items() if not key.startswith("ostraka")} == settings()


@pytest.mark.parametrize(("name", "value"), bounds().items())
def test_every_bound_in_the_code_is_there_with_its_value(name: str, value: int) -> None:
    assert ROWS.get(name) == str(value)


def test_nothing_else_is_there() -> None:
    assert {name for name in ROWS if name.startswith("ostraka")} == set(bounds())
