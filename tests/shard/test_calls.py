"""A call: what it is, and that it is answered once."""

from __future__ import annotations

import pytest

from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import Compare
from ostraka_server.shard import failures
from ostraka_server.shard.calls import Call
from tests.machine.commands import txn
from tests.shard.asking import Asked, delete, get, local_get, put, whole_range


def test_only_the_first_answer_counts() -> None:
    call = Asked(put())
    call.answer(failures.deadline(surely_not_done=False))
    call.answer(Reply())
    assert len(call.replies) == 1
    assert call.is_answered


def test_an_answer_given_from_within_the_answer_comes_too_late() -> None:
    told: list[int] = []

    def answer(reply: Reply) -> None:
        told.append(reply.id)
        call.answer(Reply(id=2))

    call = Call(b"", put(), 1.0, answer)
    call.answer(Reply(id=1))
    assert told == [1]


@pytest.mark.parametrize(
    ("command", "is_read", "is_local_read"),
    [
        (put(), False, False),
        (delete(), False, False),
        (get(), True, False),
        (whole_range(), True, False),
        (local_get(), True, True),
        (txn(then=[get()], otherwise=[txn(then=[get()])]), True, False),
        (txn(), True, False),
        (txn(otherwise=[txn(then=[put()])]), False, False),
        (txn(then=[delete()]), False, False),
    ],
)
def test_what_may_be_repeated_and_what_is_answered_here(command: Command, is_read: bool, is_local_read: bool) -> None:
    call = Asked(command)
    assert (call.is_read, call.is_local_read) == (is_read, is_local_read)


def test_a_range_is_routed_by_its_first_key() -> None:
    assert Asked(whole_range()).key == b"a"
    assert Asked(delete(b"d", b"f")).key == b"d"


def test_a_transaction_is_routed_by_the_first_key_that_it_names() -> None:
    assert Asked(txn(Compare(key=b"c", version=0), then=[put(b"d")])).key == b"c"
    assert Asked(txn(otherwise=[txn(then=[put(b"d")])])).key == b"d"
    assert Asked(txn()).key == b"", "of the first shard"
