from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest

from bench.clusters import NotStarted, System, running
from bench.figures import Figures
from bench.trial import Trial

FIGURES = Figures(1000.0, 0, 1.0, 2.0, 2.5, 3.0)
ANSWER = json.dumps({"all": dataclasses.asdict(FIGURES)})

# A server that shows its process id once it runs, and a load process that fails until then.
SERVER = """
import os, signal, sys
with open(sys.argv[1] + ".starting", "w") as file:
    file.write(str(os.getpid()))
os.rename(file.name, sys.argv[1] + ".pid")
signal.pause()
"""
LOAD = f"""
import os, sys
sys.exit("nobody there") if not os.path.exists(sys.argv[1]) else print({ANSWER!r})
"""


def _system(server: str, load: list[str]) -> System:
    return System("demo", lambda data, port: [sys.executable, "-c", server, str(data)], load)


def test_a_cluster_that_answers_is_put_under_load_and_stopped(tmp_path: Path) -> None:
    pid_file = tmp_path / "demo" / "data.pid"
    with running(_system(SERVER, [sys.executable, "-c", LOAD, str(pid_file)]), tmp_path / "demo") as cluster:
        pid = int(pid_file.read_text())
        assert cluster.run(Trial()) == FIGURES
        assert len(cluster.endpoints.split(",")) == 3
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_cluster_that_ends_by_itself_is_reported_with_its_last_words(tmp_path: Path) -> None:
    broken = _system("raise SystemExit('no disk')", [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(NotStarted, match="demo did not start:\nno disk"), running(broken, tmp_path / "demo"):
        raise AssertionError("it never ran")
