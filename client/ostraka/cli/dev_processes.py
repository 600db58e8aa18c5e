"""The processes of a development cluster: starts, signals and reaps them as `dev_supervisor` decides.

One thread that waits for signals. SIGCHLD, SIGTERM, SIGINT and SIGHUP are blocked and taken one at a time with
`sigtimedwait`, so there are no handlers, nothing is polled, and no signal falls between two looks.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ostraka.cli.dev_plan import HOST, Node
from ostraka.cli.dev_supervisor import Action, Probe, Ready, Say, Send, Start, Supervisor
from ostraka.clock import Clock

_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_PROBE_TIMEOUT_S = 0.2
_LOG_TAIL_BYTES = 2000
_LOG_TAIL_LINES = 8


class Processes:
    """Runs a command for each node until it is told to stop.

    `command` gives a node's argument list; `environment` is its environment. `say` takes lines for the user,
    `changed` is called with the pids (None: not running) at each start and end, `ready` once all have been ready.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        command: Callable[[Node], Sequence[str]],
        environment: Mapping[str, str],
        *,
        say: Callable[[str], None],
        changed: Callable[[Mapping[str, int | None]], None],
        ready: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._command = command
        self._environment = environment
        self._say = say
        self._changed = changed
        self._ready = ready
        self._clock = clock
        self._supervisor = Supervisor(self._nodes)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._mask: set[signal.Signals | int] = set()

    def run(self) -> int:
        """Returns the exit code once everything has ended. Call it in the main thread: it takes its signals."""
        self._mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS))
        try:
            while (code := self._supervisor.exit_code) is None:
                for action in self._supervisor.actions(self._clock.now()):
                    self._do(action)
                self._wait()
            return code
        finally:
            self._kill_all()
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _do(self, action: Action) -> None:
        match action:
            case Start(node):
                self._start(self._nodes[node])
            case Send(node, number):
                self._children[node].send_signal(number)
            case Probe(node):
                self._supervisor.probed(node, _is_ready(self._nodes[node].http_port), self._clock.now())
            case Ready():
                self._ready()
            case Say(node, text, with_log):
                self._say(f"{node} {text}")
                if with_log:
                    self._say(f"the end of {self._nodes[node].log_file}:\n{_tail(self._nodes[node].log_file)}")

    def _start(self, node: Node) -> None:
        with node.log_file.open("ab") as log:
            self._children[node.name] = subprocess.Popen(
                self._command(node),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal goes to this process alone, which then stops its children in order.
                process_group=0,
                preexec_fn=self._in_child(),
            )
        self._supervisor.started(node.name, self._clock.now())
        self._tell_pids()

    def _in_child(self) -> Callable[[], None]:
        """What a child does before its program begins. (Safe between fork and exec: this process has one thread.)

        The kernel kills the child when this process dies, also by SIGKILL, so no node outlives its supervisor and
        keeps its ports and directory. It is SIGKILL because nodes lose nothing by it, and cannot ignore it.
        """
        prctl, mask, parent = ctypes.CDLL(None, use_errno=True).prctl, self._mask, os.getpid()

        def prepare() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # died before the line above
                os._exit(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        return prepare

    def _wait(self) -> None:
        """Until a signal comes or the supervisor has something to do."""
        # A signal that nobody sends bounds the wait by a minute: sigtimedwait cannot wait for ever.
        seconds = min(max(0.0, self._supervisor.deadline() - self._clock.now()), 60.0)
        taken = signal.sigtimedwait(_SIGNALS, seconds)
        if taken is not None and taken.si_signo != signal.SIGCHLD:
            self._supervisor.stop(self._clock.now())
        # Signals of one kind merge while they wait, so each look is at every child.
        for node, child in list(self._children.items()):
            if (code := child.poll()) is not None:
                del self._children[node]
                self._supervisor.exited(node, code, self._clock.now())
                self._tell_pids()

    def _tell_pids(self) -> None:
        self._changed({name: child.pid if (child := self._children.get(name)) else None for name in self._nodes})

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(file: Path) -> str:
    with file.open("rb") as log:
        log.seek(-min(_LOG_TAIL_BYTES, file.stat().st_size), os.SEEK_END)
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:]) or "  (it is empty)"
