"""One node of a real cluster, as a process that a test starts, kills and stops as it likes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from ostraka.cli.dev_plan import HOST, Node

STOP_SECONDS_MAX = 20.0
LOG_LINES = 15
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""Begins the command of a process that the kernel is to kill when the one that started it ends, however it ends."""

Wrapper = Callable[[Node], Sequence[str]]
"""What begins a node's command: a program that becomes the node, such as a tracer."""


def environment() -> dict[str, str]:
    """This process's, without settings of Ostraka: a test says what it means."""
    return {name: text for name, text in os.environ.items() if not name.startswith("OSTRAKA_")}


class Member:
    """A node: its place in the cluster, and the process while there is one."""

    def __init__(self, node: Node, wrapper: Wrapper) -> None:
        self.node = node
        self.name = node.name
        self.endpoint = node.endpoint
        self._wrapper = wrapper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process, which was started."""
        return self._started().pid

    @property
    def peak_mib(self) -> int:
        """The most memory that its process has had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def ended(self) -> bool:
        """Whether it was started and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Begin to run. The files stay as they are."""
        assert self._process is None, f"{self.name} runs already"
        command = [sys.executable, "-m", "ostraka_server", "--config", str(self.node.config_file)]
        with self.node.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, *self._wrapper(self.node), *command],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; `wait` tells what came of it."""
        self._started().send_signal(number)

    def wait(self) -> int:
        """The exit code, negative for a signal. AssertionError where it does not end in time."""
        process = self._started()
        try:
            code = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} does not end within {STOP_SECONDS_MAX:.0f} s") from error
        self._process = None
        return code

    def kill(self) -> None:
        """kill -9, awaited; nothing where it does not run."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self.wait()

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of the metric's samples whose labels contain this text."""
        with urllib.request.urlopen(f"http://{HOST}:{self.node.http_port}/metrics", timeout=10) as page:
            samples = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", page.read().decode(), re.MULTILINE)
        return sum(float(value) for found, value in samples if labels in found)

    def log_text(self) -> str:
        """All that it wrote, over all its starts."""
        return self.node.log_file.read_text(errors="replace") if self.node.log_file.exists() else ""

    def log_tail(self) -> str:
        """The last lines that it wrote, for a failure's message."""
        return "\n".join(f"{self.name}: {line}" for line in self.log_text().splitlines()[-LOG_LINES:])

    def _started(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self.name} was not started"
        return self._process
