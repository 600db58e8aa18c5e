"""Each anomaly is found under its name, nothing else is, and the text says why."""

from __future__ import annotations

import textwrap

import pytest

from ostraka.checking.transactions import Order, Phenomenon, check_lists, check_registers
from tests.checking.transactions.classics import CASES, LISTS, Case, append, ok, read, saw, write


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_exactly_these_anomalies_are_found(case: Case) -> None:
    result = case.result()
    assert {anomaly.name for anomaly in result.anomalies} == case.names, str(result)
    assert result.ok is (not case.names)


def test_every_phenomenon_has_a_case() -> None:
    named = {name.removesuffix("-process").removesuffix("-realtime") for case in CASES.values() for name in case.names}
    assert named == {phenomenon.title for phenomenon in Phenomenon}


def test_an_anomaly_reads_like_this() -> None:
    assert str(LISTS["G-single"].result()) == textwrap.dedent(
        """\
        G-single (1 found in 3 transactions)
        G-single, forbidden by snapshot isolation
          T1 rw T2: T1 read the beginning of 'x'; T2 wrote the next version
          T2 wr T1: T1 read 1 of 'y', which T2 wrote
             T1 p2 ok: read 'x' -> [], read 'y' -> [1]  |--|
             T2 p1 ok: append 'x' 1, append 'y' 1       |--|"""
    )


def test_a_result_without_anomalies_is_one_line() -> None:
    assert str(check_lists([ok(1, 0, 1, append("x", 1))])) == "no anomaly in 1 transactions"


def test_a_weaker_order_finds_no_more() -> None:
    for case in CASES.values():
        found = [
            {anomaly.phenomenon for anomaly in Case(case.history, case.names, order).result().anomalies}
            for order in Order
        ]
        assert found[0] <= found[1] <= found[2]


def test_values_that_are_not_unique_are_refused() -> None:
    with pytest.raises(ValueError, match="1 was written twice to 'x'"):
        check_lists([ok(1, 0, 1, append("x", 1)), ok(2, 0, 1, append("x", 1))])
    with pytest.raises(ValueError, match="1 was written twice to 'x'"):
        check_registers([ok(1, 0, 1, write("x", 1), write("x", 2), write("x", 1, 3))])


def test_a_register_read_without_its_revision_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 'x' was read without its revision"):
        check_registers([ok(1, 0, 1, write("x", 1, 2)), ok(2, 0, 1, saw("x", 1))])


def test_a_result_shows_some_of_many_anomalies() -> None:
    result = check_lists([ok(1, 0, 1, read("x", *range(100)))])
    assert len(result.anomalies) == 100
    assert str(result).count("nobody wrote it") == 8
