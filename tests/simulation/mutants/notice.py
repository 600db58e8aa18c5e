"""Whether unit tests notice a bug. As a plugin of pytest, this module puts in the one that `OSTRAKA_MUTANT` names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from tests.simulation.mutants.registry import MUTANTS

VARIABLE = "OSTRAKA_MUTANT"
NO_TESTS_FAILED, SOME_TESTS_FAILED = 0, 1


def pytest_configure() -> None:
    """Of the process of the unit tests; the bug stays until that ends."""
    MUTANTS[os.environ[VARIABLE]].alive().__enter__()


def noticed(name: str, unit_tests: Sequence[str]) -> str:
    """The first of the tests at these paths that fails with the bug; empty where none does. Raises RuntimeError where
    none can be run."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", __name__]
    finished = subprocess.run(
        [*command, *unit_tests],
        env={**os.environ, VARIABLE: name, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode not in (NO_TESTS_FAILED, SOME_TESTS_FAILED):
        raise RuntimeError(
            f"the unit tests of {name!r} did not run:\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}"
        )
    failed = re.search(r"^FAILED (\S+)", finished.stdout, re.MULTILINE)
    assert (failed is not None) == (finished.returncode == SOME_TESTS_FAILED), finished.stdout[-2000:]
    return failed[1] if failed else ""
