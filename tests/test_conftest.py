"""In CI no test is left out: one that would be fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = {
    "by_a_call": "import pytest\ndef test_it(): pytest.skip('no tool')",
    "by_a_mark": "import pytest\n@pytest.mark.skipif(True, reason='no tool')\ndef test_it(): pass",
    "in_a_fixture": "import pytest\n@pytest.fixture\ndef tool(): pytest.skip('no tool')\ndef test_it(tool): pass",
    "as_a_module": "import pytest\npytest.skip('no tool', allow_module_level=True)",
    "expected_to_fail": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
    "good": "def test_it(): pass",
}


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("true", "1 failed, 1 passed, 1 xfailed, 3 errors"), ("", "1 passed, 4 skipped, 1 xfailed")],
    ids=["in CI", "elsewhere"],
)
def test_a_test_that_is_left_out_fails_in_ci(ci: str, outcome: str, tmp_path: Path) -> None:
    for name, module in MODULES.items():
        (tmp_path / f"test_{name}.py").write_text(module)
    apart = ["-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *apart, "-p", "tests.conftest", "--continue-on-collection-errors", tmp_path],
        env=os.environ | {"CI": ci},
        capture_output=True,
        text=True,
    )
    assert outcome in answer.stdout
