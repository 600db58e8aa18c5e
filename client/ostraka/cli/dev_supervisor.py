"""What the supervisor of a development cluster decides. Nothing here starts a process or reads a clock.

Rules:
1. A dead child is started again within a second: at once if it ran for a second, else a second after its last start.
2. A child that exits with a code of `REFUSALS` would only do so again: everything stops, and with that code.
3. A child that was started is probed until it is ready. Once every child has been, `Ready` comes, one time.
4. Stopping sends SIGTERM to all, after `GRACE_S` or at a second request SIGKILL, and starts nothing any more.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Iterable
from dataclasses import dataclass

RESTART_S = 0.9
PROBE_S = 0.1
SLOW_S = 15.0
GRACE_S = 10.0

# What a node exits with when its configuration, its ports or its data directory are refused.
REFUSALS = (2, 4)


@dataclass(frozen=True, slots=True)
class Start:
    """Start the process of `node`; answer with `started`."""

    node: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send `signal` to the process of `node`."""

    node: str
    signal: signal.Signals


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask `node` whether it is ready; answer with `probed`."""

    node: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Every node has been ready."""


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the user about `node`; with the end of its log where that explains it."""

    node: str
    text: str
    with_log: bool = False


Action = Start | Send | Probe | Ready | Say


@dataclass(slots=True)
class _Child:
    running: bool = False
    ready: bool = False
    started_at: float = -math.inf
    act_at: float = -math.inf
    """When it is to be started, or probed next."""
    slow_at: float = math.inf


class Supervisor:
    """The children of one `ostraka dev`. Times are seconds of any one clock."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._children = {node: _Child() for node in nodes}
        self._announced = False
        self._stopping = False
        self._kill_at = math.inf
        self._exit_code = 0
        self._due: list[Action] = []

    @property
    def exit_code(self) -> int | None:
        """What to exit with, once every child has ended; None before."""
        running = any(child.running for child in self._children.values())
        return self._exit_code if self._stopping and not running else None

    def started(self, node: str, now: float) -> None:
        """The process of `node` runs."""
        self._children[node] = _Child(running=True, started_at=now, act_at=now + PROBE_S, slow_at=now + SLOW_S)

    def exited(self, node: str, code: int, now: float) -> None:
        """The process of `node` ended, with this code or by the signal `-code`."""
        child = self._children[node]
        child.running = child.ready = False
        if self._stopping:
            return
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        if code in REFUSALS:
            self._due.append(Say(node, f"{how}: it cannot run like this, so everything stops", with_log=True))
            self._exit_code = code
            self.stop(now)
            return
        child.act_at = max(now, child.started_at + RESTART_S)
        self._due.append(Say(node, f"{how}; it is started again", with_log=code > 0))

    def probed(self, node: str, ready: bool, now: float) -> None:
        """`node` was asked whether it is ready."""
        child = self._children[node]
        child.ready = ready
        child.act_at = math.inf if ready else now + PROBE_S
        if not ready and now >= child.slow_at:
            child.slow_at = math.inf
            self._due.append(Say(node, f"is not ready after {SLOW_S:.0f} s", with_log=True))
        if not self._announced and all(child.ready for child in self._children.values()):
            self._announced = True
            self._due.append(Ready())

    def stop(self, now: float) -> None:
        """End all children; a second time: at once."""
        self._due += self._to_running(signal.SIGKILL if self._stopping else signal.SIGTERM)
        self._kill_at = math.inf if self._stopping else now + GRACE_S
        self._stopping = True

    def actions(self, now: float) -> list[Action]:
        """What to do now, in this order."""
        due, self._due = self._due, []
        if now >= self._kill_at:
            self._kill_at = math.inf
            due += self._to_running(signal.SIGKILL)
        if not self._stopping:
            due += [
                Probe(node) if child.running else Start(node)
                for node, child in self._children.items()
                if now >= child.act_at
            ]
        return due

    def deadline(self) -> float:
        """When `actions` has something next, if nothing happens before; infinity: never."""
        if self._due:
            return -math.inf
        return self._kill_at if self._stopping else min(child.act_at for child in self._children.values())

    def _to_running(self, number: signal.Signals) -> list[Action]:
        return [Send(node, number) for node, child in self._children.items() if child.running]
