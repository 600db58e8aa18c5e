"""What importing a package loads, seen in a fresh interpreter: import-linter does not follow packages' `__init__`."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOAD_ALL = """
import importlib, pkgutil, sys
root = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(getattr(root, "__path__", ()), root.__name__ + "."):
    importlib.import_module(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(module: str) -> set[str]:
    """The top-level modules in an interpreter that has imported a module and, of a package, all that is in it."""
    command = [sys.executable, "-c", LOAD_ALL, module]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ostraka_server.paxos", {"asyncio", "grpc", "google", "sqlite3"}),
        ("ostraka_server.machine", {"asyncio", "grpc", "sqlite3"}),
        ("ostraka.checking", {"asyncio", "grpc", "google"}),
        ("ostraka.aio", {"click", "rich", "sqlite_utils", "ostraka_server"}),
    ],
)
def test_importing_loads_no_more_than_is_needed(module: str, absent: set[str]) -> None:
    assert loaded_by(module) & absent == set()
