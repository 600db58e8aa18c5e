"""Real processes under the supervisor: started again when killed, stopped with it, never left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("dummy_cluster.py")
PATIENCE_S = 20


class Cluster:
    """A running `dummy_cluster.py`."""

    def __init__(self, data_dir: Path, behaviour: str = "serve") -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(data_dir), behaviour], stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def read_until(self, text: str) -> str:
        """What it says, up to the line with `text`."""
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError(f"never said {text!r}: {lines}")

    def pids(self) -> list[int]:
        document = json.loads((self.data_dir / "cluster.json").read_text())
        return [node["pid"] for node in document["nodes"]]

    def end(self) -> int:
        code = self.process.wait(PATIENCE_S)
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.fixture
def started() -> Iterator[list[Cluster]]:
    clusters: list[Cluster] = []
    yield clusters
    for cluster in clusters:
        cluster.process.kill()
        cluster.end()


@pytest.fixture
def cluster(tmp_path: Path, started: list[Cluster]) -> Cluster:
    started.append(Cluster(tmp_path))
    started[0].read_until("status")
    return started[0]


def ended(pid_file: int) -> bool:
    """Whether the process behind a pidfd has ended, waiting for it."""
    return bool(select.select([pid_file], [], [], PATIENCE_S)[0])


def test_a_killed_child_comes_back_under_another_pid(cluster: Cluster) -> None:
    before = cluster.pids()
    os.kill(before[1], signal.SIGKILL)
    assert "n2 was ended by SIGKILL; it is started again" in cluster.read_until("n2")
    os.kill(cluster.process.pid, signal.SIGTERM)
    assert cluster.end() == 0
    assert cluster.pids() == [None, None]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_children_and_ends_with_0(cluster: Cluster, number: signal.Signals) -> None:
    children = [os.pidfd_open(pid) for pid in cluster.pids()]
    os.kill(cluster.process.pid, number)
    assert cluster.end() == 0
    assert all(ended(child) for child in children)
    for child in children:
        os.close(child)


def test_the_children_do_not_outlive_a_killed_supervisor(cluster: Cluster) -> None:
    children = [os.pidfd_open(pid) for pid in cluster.pids()]
    os.kill(cluster.process.pid, signal.SIGKILL)
    assert all(ended(child) for child in children)
    for child in children:
        os.close(child)


def test_children_that_ignore_sigterm_are_killed_at_the_second_request(tmp_path: Path, started: list[Cluster]) -> None:
    cluster = Cluster(tmp_path, "ignore")
    started.append(cluster)
    cluster.read_until("status")
    os.kill(cluster.process.pid, signal.SIGTERM)
    # Signals of one kind merge while they wait: the second is another one.
    os.kill(cluster.process.pid, signal.SIGINT)
    assert cluster.end() == 0


def test_a_refusal_is_shown_with_the_end_of_the_log_and_stops_everything(
    tmp_path: Path, started: list[Cluster]
) -> None:
    cluster = Cluster(tmp_path, "4")
    started.append(cluster)
    said = cluster.read_until("the directory belongs to another node")
    assert "exited with code 4: it cannot run like this, so everything stops" in said
    assert cluster.end() == 4
