from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import ostraka_server.machine
print(*sorted({"grpc", "asyncio", "sqlite3"} & set(sys.modules)))
"""


def test_importing_the_machine_brings_in_neither_grpc_nor_asyncio_nor_sqlite() -> None:
    run = [sys.executable, "-c", PROGRAM]
    found = subprocess.run(run, env={"PYTHONPATH": ":".join(sys.path)}, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == ""
