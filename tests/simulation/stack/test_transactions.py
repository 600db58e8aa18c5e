"""Transactions of the simulator's callers: drawn, translated, and told serialisable or not."""

from __future__ import annotations

from random import Random

import pytest

from ostraka import txn as sdk
from ostraka.checking import Outcome
from ostraka.checking.witness import Answer, Changed, Done, Get, Put, Row, Txn
from ostraka.v1.exchange_pb2 import Command
from tests.simulation.stack import transactions, translation
from tests.simulation.stack.judgement import Seen
from tests.simulation.stack.transactions import REGISTERS, Transactions
from tests.simulation.violation import Violation

X, Y, *_ = REGISTERS


@pytest.mark.parametrize("seed", range(30))
def test_what_is_drawn_stands_in_an_entry_as_it_was_drawn(seed: int) -> None:
    callers = Transactions()
    callers.know([Row(X, b"1", 2, 3, 2), Row(Y, b"2", 4, 4, 1)])
    drawn = callers.draw(Random(seed), seed)
    asked = sdk.Txn(
        translation.compares(drawn),
        then=translation.operations(drawn.then),
        otherwise=translation.operations(drawn.otherwise),
    )
    command = Command()
    asked.fill(command.txn)
    assert translation.requested(Command.FromString(command.SerializeToString())) == drawn


def test_writes_occur_only_once() -> None:
    drawn = [Transactions().draw(Random(1), number) for number in range(2)]
    assert drawn[0] != drawn[1]


def seen(call: float, *parts: tuple[Get | Put, Answer], outcome: Outcome = Outcome.OK) -> Seen:
    """One that takes a second."""
    answer = Done(True, tuple(each for _, each in parts)) if outcome is Outcome.OK else None
    returned = None if outcome is Outcome.UNKNOWN else call + 1
    return Seen(1, call, returned, outcome, Txn((), tuple(part for part, _ in parts)), answer)


def row(key: bytes, value: bytes, revision: int) -> Row:
    return Row(key, value, 2, revision, revision - 1)


def test_one_after_the_other_is_serialisable_with_unknown_and_failed_ones_between() -> None:
    transactions.check([
        seen(0, (Get(X), None), (Put(X, b"1"), Changed(2)), (Put(Y, b"2"), Changed(2))),
        seen(2, (Put(X, b"3"), None), outcome=Outcome.UNKNOWN),
        seen(2, (Put(X, b"4"), None), outcome=Outcome.FAILED),
        seen(4, (Get(X), row(X, b"3", 3)), (Get(Y), row(Y, b"2", 2))),
    ])  # fmt: skip


def test_half_of_a_transaction_is_not() -> None:
    with pytest.raises(Violation, match="G-single"):
        transactions.check([
            seen(0, (Put(X, b"1"), Changed(2)), (Put(Y, b"1"), Changed(2))),
            seen(2, (Put(X, b"2"), Changed(3)), (Put(Y, b"2"), Changed(3))),
            seen(2, (Get(X), row(X, b"2", 3)), (Get(Y), row(Y, b"1", 2))),
        ])  # fmt: skip


def test_neither_is_what_failed_and_is_read_all_the_same() -> None:
    with pytest.raises(Violation, match="G1a"):
        transactions.check([
            seen(0, (Put(X, b"1"), None), outcome=Outcome.FAILED),
            seen(2, (Get(X), row(X, b"1", 2))),
        ])  # fmt: skip
