"""Clusters of three nodes as child processes, etcd's and Ostraka's, started and put under load in the same way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.figures import Figures
from bench.trial import Trial

ROOT = Path(__file__).parent.parent
NODES = 3
PORT_OFFSETS = (0, 100, 2000)  # of clients, of the other nodes, of HTTP: as `ostraka dev --base-port` lays them
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20


class NotStarted(Exception):
    """A cluster could not be started; says why."""


@dataclass(frozen=True, slots=True)
class System:
    """How to start a cluster and its load process."""

    name: str
    serve: Callable[[Path, int], list[str]]  # data directory, base port: node i serves clients on base + i
    load: list[str]


def etcd() -> System:
    """Sets etcd up first where it is missing: see bench/etcd/prepare."""
    scripts = ROOT / "bench" / "etcd"
    prepared = subprocess.run([scripts / "prepare"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return System("etcd", lambda data, port: [str(scripts / "start"), str(data), str(port)], [f"{prepared}/load"])


def ostraka() -> System:
    command = str(Path(sys.executable).with_name("ostraka"))
    return System(
        "ostraka",
        lambda data, port: [command, "dev", f"--nodes={NODES}", f"--data-dir={data}", f"--base-port={port}"],
        [sys.executable, "-m", "bench.load", "--json"],
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    system: System
    endpoints: str

    def run(self, trial: Trial) -> Figures:
        """Put it under load. subprocess.CalledProcessError where no operation succeeded."""
        command = [*self.system.load, f"--endpoints={self.endpoints}", *trial.options()]
        answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return Figures(**json.loads(answer.stdout)["all"])


@contextlib.contextmanager
def running(system: System, directory: Path) -> Iterator[Cluster]:
    """A cluster that answers, with its data and its output in `directory`; stopped at the end.

    NotStarted, with the last of its output, where it ends by itself or does not answer within a minute.
    """
    directory.mkdir()
    base_port = _free_base_port()
    endpoints = ",".join(f"127.0.0.1:{base_port + node}" for node in range(1, NODES + 1))
    log_path = directory / "output"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            system.serve(directory / "data", base_port),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        cluster = Cluster(system, endpoints)
        _await_answer(cluster, process, log_path)
        yield cluster
    finally:
        _stop(process)


def _await_answer(cluster: Cluster, process: subprocess.Popen[bytes], log_path: Path) -> None:
    probe = Trial(callers=1, seconds=0.2, warm_up_seconds=0)
    command = [*cluster.system.load, f"--endpoints={cluster.endpoints}", *probe.options()]
    deadline = perf_counter() + START_SECONDS_MAX
    while process.poll() is None and perf_counter() < deadline:
        if subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0:
            return
    last = "\n".join(log_path.read_text(errors="replace").splitlines()[-10:])
    raise NotStarted(f"{cluster.system.name} did not start:\n{last}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS_MAX)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # whoever of its session is left
    process.wait()


def _free_base_port() -> int:
    """Below the ephemeral range, so that no outgoing connection takes a port between this look and its use."""
    for base in range(17400, 30000, NODES + 1):
        if all(_is_free(base + offset + node) for offset in PORT_OFFSETS for node in range(1, NODES + 1)):
            return base
    raise NotStarted("no free ports for a cluster")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
