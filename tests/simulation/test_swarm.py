"""The runner tells what broke, and how to see it again."""

from __future__ import annotations

import pytest

from ostraka_server.paxos.replica import Replica
from tests.simulation.__main__ import main
from tests.simulation.mutants import MUTANTS
from tests.simulation.protocol.plan import draw
from tests.simulation.swarm import Summary, run_seed


def test_a_run_without_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "0", "--verbose"]) == 0
    out = capsys.readouterr().out
    digest = run_seed("protocol", 0).digest
    assert f"seed 0: {digest}" in out
    assert "1 seeds, 0 failed" in out


def test_the_trace_is_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seed", "0", "--trace"])
    assert capsys.readouterr().out.count("\n") > run_seed("protocol", 0).events > 100


def test_a_trace_of_many_seeds_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--trace"])


def test_a_violation_is_told_with_its_invariant_the_events_before_it_and_the_line_that_repeats_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with MUTANTS["promise not durable"].alive():
        assert main(["--seed", "7"]) == 1
    out = capsys.readouterr().out
    assert "VIOLATION of Ready" in out
    assert "again: make sim SEED=7\n" in out
    assert " starts, life 1\n" in out


def test_an_error_of_the_code_under_test_is_a_violation_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Replica, now: float) -> None:
        raise AssertionError("a round too many")

    monkeypatch.setattr(Replica, "tick", fail)
    failure = run_seed("protocol", 0).failure
    assert failure is not None
    assert failure.invariant == "assertion"
    assert "a round too many" in failure.detail


def test_a_clock_that_is_never_satisfied_does_not_hang_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replica, "tick", lambda self, now: None)
    failure = run_seed("protocol", 0).failure
    assert failure is not None
    assert "deadline in the past" in failure.detail


def test_the_order_of_runs_counts_in_the_combined_hash() -> None:
    one, other = Summary(), Summary()
    outcomes = [run_seed("protocol", seed) for seed in (1, 2)]
    for outcome in outcomes:
        one.add(outcome)
    for outcome in reversed(outcomes):
        other.add(outcome)
    assert one.digest != other.digest
    assert one.simulated_s == other.simulated_s


def test_seeds_differ_in_what_they_stand_for() -> None:
    plans = [draw(seed) for seed in range(50)]
    assert {plan.members for plan in plans} == {1, 3, 4, 5}
    assert len({plan.faults for plan in plans}) > 40
    assert draw(3) == draw(3)
