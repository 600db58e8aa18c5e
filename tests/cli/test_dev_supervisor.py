"""What the supervisor decides, with a table of processes that exist only here."""

from __future__ import annotations

import math
import signal

import pytest

from ostraka.cli.dev_supervisor import (
    GRACE_S,
    PROBE_S,
    SLOW_S,
    Action,
    Probe,
    Ready,
    Say,
    Send,
    Start,
    Supervisor,
)


class Table:
    """Carries out actions on imaginary processes, at once, and keeps the time."""

    def __init__(self, *nodes: str) -> None:
        self.supervisor = Supervisor(nodes)
        self.now = 0.0
        self.running: set[str] = set()
        self.ready: set[str] = set()
        self.done: list[tuple[float, Action]] = []

    def advance(self, seconds: float) -> list[Action]:
        """Lets so much time pass and gives what was done in it, probes left out."""
        end, before = self.now + seconds, len(self.done)
        while (deadline := self.supervisor.deadline()) <= end:
            self.now = max(self.now, deadline)
            for action in self.supervisor.actions(self.now):
                self._do(action)
        self.now = end
        return [action for _, action in self.done[before:]]

    def die(self, node: str, code: int) -> None:
        self.running.remove(node)
        self.supervisor.exited(node, code, self.now)

    def _do(self, action: Action) -> None:
        match action:
            case Start(node):
                assert node not in self.running
                self.running.add(node)
                self.supervisor.started(node, self.now)
            case Probe(node):
                assert node in self.running
                self.supervisor.probed(node, node in self.ready, self.now)
                return
            case Send(node, signal.SIGKILL):
                self.die(node, -signal.SIGKILL)
            case _:
                pass
        self.done.append((self.now, action))


@pytest.fixture
def table() -> Table:
    """Three nodes that are up and ready since one second."""
    table = Table("n1", "n2", "n3")
    table.advance(0)
    table.ready = set(table.running)
    table.advance(1)
    return table


def test_all_start_at_once_and_ready_comes_when_the_last_one_is() -> None:
    table = Table("n1", "n2")
    assert table.advance(0) == [Start("n1"), Start("n2")]
    table.ready = {"n1"}
    assert table.advance(1) == []
    table.ready = {"n1", "n2"}
    assert table.advance(PROBE_S) == [Ready()]
    assert table.supervisor.deadline() == math.inf


def test_a_dead_child_starts_again_at_once(table: Table) -> None:
    table.die("n2", -9)
    assert table.advance(0) == [Say("n2", "was ended by SIGKILL; it is started again"), Start("n2")]


def test_ready_is_announced_one_time(table: Table) -> None:
    table.die("n2", -9)
    assert Ready() not in table.advance(5)


def test_a_child_that_keeps_dying_is_started_about_once_a_second(table: Table) -> None:
    starts = 0
    for _ in range(100):
        if "n2" in table.running:
            table.die("n2", 1)
        starts += table.advance(0.1).count(Start("n2"))
    assert 9 <= starts <= 13


def test_every_dead_child_is_back_within_a_second(table: Table) -> None:
    for node in ("n1", "n2", "n3"):
        table.die(node, -9)
    table.advance(0)
    for node in ("n1", "n2", "n3"):
        table.die(node, -9)
    assert table.advance(1).count(Start("n1")) == 1
    assert table.running == {"n1", "n2", "n3"}


def test_the_end_of_the_log_is_shown_where_it_explains_the_death(table: Table) -> None:
    table.die("n1", 1)
    table.die("n2", 0)
    said = [action for action in table.advance(0) if isinstance(action, Say)]
    assert [(say.node, say.with_log) for say in said] == [("n1", True), ("n2", False)]


@pytest.mark.parametrize("code", [2, 4])
def test_a_refusal_stops_everything_with_its_code(table: Table, code: int) -> None:
    table.die("n2", code)
    say, *sent = table.advance(1)
    assert isinstance(say, Say) and say.with_log
    assert sent == [Send("n1", signal.SIGTERM), Send("n3", signal.SIGTERM)]
    table.die("n1", 0)
    assert table.supervisor.exit_code is None
    table.die("n3", 0)
    assert table.supervisor.exit_code == code


def test_stopping_ends_the_children_gracefully_and_starts_none(table: Table) -> None:
    table.supervisor.stop(table.now)
    assert table.advance(1) == [Send(node, signal.SIGTERM) for node in ("n1", "n2", "n3")]
    for node in ("n1", "n2", "n3"):
        table.die(node, 0)
    assert table.advance(100) == []
    assert table.supervisor.exit_code == 0


def test_a_child_that_does_not_end_is_killed_after_the_grace(table: Table) -> None:
    table.supervisor.stop(table.now)
    table.advance(1)
    table.die("n1", 0)
    table.die("n2", 0)
    assert table.advance(GRACE_S - 1.1) == []
    assert table.advance(0.2) == [Send("n3", signal.SIGKILL)]
    assert table.supervisor.exit_code == 0


def test_a_second_request_to_stop_kills_at_once(table: Table) -> None:
    table.supervisor.stop(table.now)
    table.advance(1)
    table.supervisor.stop(table.now)
    assert table.advance(0) == [Send(node, signal.SIGKILL) for node in ("n1", "n2", "n3")]
    assert table.supervisor.exit_code == 0


def test_a_stop_while_a_child_waits_to_be_started_again(table: Table) -> None:
    table.die("n1", -9)
    table.advance(0)
    table.die("n1", -9)
    table.supervisor.stop(table.now)
    table.advance(0)
    table.die("n2", 0)
    table.die("n3", 0)
    assert table.advance(100) == []
    assert table.supervisor.exit_code == 0


def test_a_node_that_does_not_become_ready_is_pointed_out_once() -> None:
    table = Table("n1")
    table.advance(SLOW_S - 1)
    said = table.advance(100)
    assert said == [Say("n1", "is not ready after 15 s", with_log=True)]
