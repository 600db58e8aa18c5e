"""The generated stubs that are checked in are those of proto/."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.repo import sources

FOLDERS = ("client/ostraka/v1", "client/ostraka/_frames", "server/ostraka_server/wire")


def _stubs(root: Path) -> dict[str, str]:
    found = (path for folder in FOLDERS for path in (root / folder).glob("*_pb2*.py*"))
    return {str(path.relative_to(root)): path.read_text() for path in found}


def test_stubs_are_up_to_date(tmp_path: Path) -> None:
    environment = {**os.environ, "VENV": str(Path(sys.prefix))}
    subprocess.run([sources.ROOT / "scripts" / "generate-stubs", tmp_path], env=environment, check=True)
    generated = _stubs(tmp_path)
    checked_in = _stubs(sources.ROOT)
    stale = {name for name in generated.keys() | checked_in.keys() if generated.get(name) != checked_in.get(name)}
    assert stale == set(), "run `make proto`"
