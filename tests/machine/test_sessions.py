"""A write that is sent again takes effect once, whatever happens to machine and client in between."""

from __future__ import annotations

import pytest

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import Compare, GetRequest, RangeRequest
from ostraka_server.machine import AnswerLost, DeleteResult, Done, Machine, PutResult, Refused, Result, sessions
from ostraka_server.machine.results import TxnResult
from ostraka_server.machine.session_record import encode
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import close, delete, entry, get, numbered, put, register, scan, txn

CLIENT = 0xFEED_0000_0000_0001
OTHER = 2


def one(machine: Machine, command: Command) -> Result:
    """Its result, alone in an entry."""
    (result,) = apply(machine, entry(command))
    return result


def reason(result: Result) -> common_pb2.Reason.ValueType:
    assert isinstance(result, Refused), result
    return result.reason


def told(result: Result) -> bytes:
    """Equal for answers that say the same, be it in lists or tuples."""
    return encode(0, 0, {1: result})


def registered(*clients: int) -> Machine:
    machine = empty()
    apply(machine, entry(*(register(client) for client in clients or (CLIENT,))))
    return machine


def restarted(machine: Machine, base: DictBase) -> Machine:
    """Another machine on the checkpoint of this one."""
    flush(machine, base)
    return Machine(base, base.state)


WRITES = {
    "put": put(b"a", b"1"),
    "put that gives what was there": put(b"k", b"1", prev_kv=True),
    "delete": delete(b"k"),
    "delete of nothing": delete(b"none"),
    "delete that gives what was there": delete(b"k", b"\0", prev_kv=True),
    "transaction": txn(
        then=[
            put(b"k", b"1", prev_kv=True),
            get(b"k"),
            get(b"none"),
            scan(b"k", b"\0"),
            txn(Compare(key=b"l", version=7), otherwise=[delete(b"l", prev_kv=True)]),
        ]
    ),
    "transaction that is refused": txn(then=[Command(get=GetRequest(key=b"k", revision=99))]),
    "write of bad shape": put(b""),
    "no write": Command(get=GetRequest(key=b"k")),
    "register in an envelope of its own": register(OTHER),
}


@pytest.mark.parametrize("restart", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("what", WRITES)
def test_the_second_one_gets_the_same_answer_and_does_nothing(what: str, restart: bool) -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(put(b"k", b"old"), put(b"l", b"old"), register(CLIENT)))
    write = numbered(WRITES[what], CLIENT, 1)
    first = one(machine, write)
    if restart:
        machine = restarted(machine, base)
    apply(machine, entry(put(b"a", b"other"), put(b"k", b"other")))
    revision = machine.revision
    assert told(one(machine, write)) == told(first)
    assert machine.revision == revision
    assert [row.value for row in (machine.get(b"a"), machine.get(b"k")) if row] == [b"other", b"other"]


def test_the_second_one_may_stand_in_the_same_entry() -> None:
    machine = registered()
    write = numbered(put(b"a"), CLIENT, 1)
    assert apply(machine, entry(write, write, write)) == [PutResult(2, None)] * 3
    assert machine.repeats == 2


def test_registering_and_closing_raise_no_revision() -> None:
    machine = empty()
    assert apply(machine, entry(register(CLIENT), close(CLIENT), close(CLIENT))) == [Done(1)] * 3
    assert machine.sessions == 0


def test_a_client_is_registered_once_at_a_time_and_never_as_0() -> None:
    machine = registered()
    assert reason(one(machine, register(CLIENT))) == common_pb2.INVALID
    assert reason(one(machine, register(0))) == common_pb2.INVALID
    assert reason(one(machine, close(0))) == common_pb2.INVALID


def test_who_is_not_registered_or_closed_is_refused_and_registered_by_nothing_else() -> None:
    machine = registered()
    write = numbered(put(b"a"), OTHER, 1)
    assert [reason(one(machine, write)) for _ in range(2)] == [common_pb2.EXPIRED] * 2
    one(machine, numbered(put(b"b"), CLIENT, 1))
    one(machine, close(CLIENT))
    assert reason(one(machine, numbered(put(b"b"), CLIENT, 1))) == common_pb2.EXPIRED
    assert machine.get(b"a") is None and machine.revision == 2


def test_what_the_client_has_answers_to_is_forgotten_and_refused() -> None:
    machine = registered()
    for sequence in (1, 2, 3):
        one(machine, numbered(put(b"%d" % sequence), CLIENT, sequence))
    assert one(machine, numbered(put(b"4"), CLIENT, 4, answered_below=3)) == PutResult(5, None)
    again = [one(machine, numbered(put(b"%d" % sequence), CLIENT, sequence)) for sequence in (1, 2, 3)]
    assert [reason(result) for result in again[:2]] == [common_pb2.EXPIRED] * 2
    assert again[2] == PutResult(4, None)
    assert machine.revision == 5


def test_what_was_given_up_is_not_executed_when_it_comes_late() -> None:
    machine = registered()
    one(machine, numbered(put(b"later"), CLIENT, 2, answered_below=2))
    assert reason(one(machine, numbered(put(b"given up"), CLIENT, 1))) == common_pb2.EXPIRED
    assert machine.get(b"given up") is None


@pytest.mark.parametrize("answered_below", [0, 1, 2, 5])
def test_answered_below_never_falls(answered_below: int) -> None:
    machine = registered()
    one(machine, numbered(put(b"a"), CLIENT, 9, answered_below=5))
    one(machine, numbered(put(b"a"), CLIENT, 8, answered_below=answered_below))
    assert reason(one(machine, numbered(put(b"a"), CLIENT, 4))) == common_pb2.EXPIRED
    assert one(machine, numbered(put(b"a"), CLIENT, 5)) == PutResult(4, None)


def test_a_sequence_too_far_ahead_is_refused_and_may_come_again() -> None:
    machine = registered()
    far = numbered(put(b"a"), CLIENT, 1 + sessions.SESSION_WINDOW)
    assert reason(one(machine, far)) == common_pb2.INVALID
    assert one(machine, numbered(put(b"a"), CLIENT, sessions.SESSION_WINDOW)) == PutResult(2, None)
    far.answered_below = 2
    assert one(machine, far) == PutResult(3, None)


def test_answered_below_may_skip_far_at_no_cost() -> None:
    machine = registered()
    one(machine, numbered(put(b"a"), CLIENT, 1))
    most = 2**64 - 1
    assert one(machine, numbered(put(b"a"), CLIENT, most, answered_below=most)) == PutResult(3, None)
    assert reason(one(machine, numbered(put(b"a"), CLIENT, 1))) == common_pb2.EXPIRED


@pytest.mark.parametrize("restart", [False, True], ids=["", "restarted"])
def test_of_an_answer_with_large_rows_only_is_kept_that_there_was_one(
    restart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSION_ANSWER_BYTES_MAX", 210)
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(register(CLIENT), put(b"k", b"12345"), put(b"l", b"12345")))
    small, large = numbered(put(b"k", prev_kv=True), CLIENT, 1), numbered(delete(b"l", prev_kv=True), CLIENT, 2)
    plain = numbered(put(b"m"), CLIENT, 3)
    answers = [one(machine, write) for write in (small, large, plain)]
    assert isinstance(answers[1], DeleteResult) and answers[1].prev
    if restart:
        machine = restarted(machine, base)
    assert [one(machine, write) for write in (small, large, plain)] == [answers[0], AnswerLost(), answers[2]]
    # the room is there again once the answers before are not wanted any more
    again = numbered(put(b"k", b"", prev_kv=True), CLIENT, 4, answered_below=4)
    assert one(machine, again) == one(machine, again) != AnswerLost()


def test_rows_without_values_count_for_what_they_take() -> None:
    """A million bytes of short keys alone would be many times as much in memory."""
    machine = registered()
    count = sessions.SESSION_ANSWER_BYTES_MAX // 200
    apply(machine, entry(*(put(b"%06d" % number) for number in range(count))))
    keys = Command(range=RangeRequest(key=b"0", range_end=b"9", keys_only=True))
    write = numbered(txn(then=[put(b"mark"), keys]), CLIENT, 1)
    assert isinstance(one(machine, write), TxnResult)
    assert one(machine, write) == AnswerLost()


def test_what_a_transaction_did_counts_where_no_rows_are_in_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSION_ANSWER_BYTES_MAX", 500)
    machine = registered()
    nested = txn(then=[put(b"c"), put(b"d"), put(b"e"), put(b"f")])
    few, many = (
        numbered(txn(then=[put(b"a"), put(b"b")]), CLIENT, 1),
        numbered(txn(then=[nested]), CLIENT, 2),
    )
    done = [one(machine, write) for write in (few, many)]
    assert [one(machine, write) for write in (few, many)] == [done[0], AnswerLost()]


class TestForgetting:
    """Who was silent the longest goes first, also after restarts."""

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "SESSIONS_MAX", 3)

    @pytest.mark.parametrize("restart", [False, True], ids=["", "restarted"])
    def test_for_another_client(self, restart: bool) -> None:
        base = DictBase()
        machine = Machine(base, base.state)
        apply(machine, entry(*map(register, (1, 2, 3))))
        flush(machine, base)
        one(machine, numbered(put(b"a"), 1, 1))
        if restart:
            machine = restarted(machine, base)
        one(machine, register(4))
        assert (machine.sessions, machine.evictions) == (3, 1)
        assert reason(one(machine, numbered(put(b"a"), 2, 1))) == common_pb2.EXPIRED
        assert one(machine, numbered(put(b"a"), 1, 1)) == PutResult(2, None)
        assert one(machine, numbered(put(b"a"), 3, 1)) == PutResult(3, None)

    def test_for_the_answers_of_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "SESSIONS_BYTES_MAX", 3 * sessions.ANSWER_BYTES)
        machine = registered(1, 2)
        for sequence in (1, 2, 3):
            one(machine, numbered(put(b"a"), 1, sequence))
        one(machine, numbered(put(b"a"), 2, 1))
        assert reason(one(machine, numbered(put(b"a"), 1, 4))) == common_pb2.EXPIRED
        assert one(machine, numbered(put(b"b"), 2, 1)) == PutResult(5, None)

    def test_for_its_own_answers_nobody_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "SESSIONS_BYTES_MAX", 0)
        machine = registered()
        assert [one(machine, numbered(put(b"a"), CLIENT, 1)) for _ in range(2)] == [PutResult(2, None)] * 2

    def test_leaves_no_record(self) -> None:
        base = DictBase()
        machine = Machine(base, base.state)
        apply(machine, entry(*map(register, (1, 2, 3))))
        flush(machine, base)
        apply(machine, entry(register(4), register(5), close(5), close(3)))
        machine = restarted(machine, base)
        assert machine.sessions == sum(name.startswith(sessions.PREFIX) for name in base.all_records) == 1
        assert one(machine, numbered(put(b"a"), 4, 1)) == PutResult(2, None)


def test_a_flush_rewrites_the_sessions_that_were_used_since_and_no_others() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(*map(register, (1, 2, 3))))
    flush(machine, base)
    one(machine, numbered(put(b"a"), 2, 1))
    delta = machine.begin_flush()
    assert delta is not None
    assert [name for name in delta.records if name.startswith(sessions.PREFIX)] == [b"session/" + (2).to_bytes(8)]


def test_the_digest_tells_what_was_executed_from_what_was_answered_again() -> None:
    """A delete of nothing leaves no other trace."""
    write, other = numbered(delete(b"none"), CLIENT, 1), numbered(delete(b"none"), CLIENT, 2)
    ends = []
    for commands in ((write, write), (write, other), (write,), (other,)):
        machine = registered()
        apply(machine, entry(*commands))
        ends.append(machine.digest)
    assert len(set(ends)) == len(ends)


def test_the_digest_tells_who_is_registered() -> None:
    ends = []
    for commands in ((), (register(1),), (register(2),), (register(1), close(1))):
        machine = empty()
        apply(machine, entry(*commands))
        ends.append(machine.digest)
    assert len(set(ends)) == len(ends)


def test_restarts_change_no_digest() -> None:
    """Not even where it is decided who is forgotten for whom."""
    digests = []
    for every in (1, 3, 1000):
        base = DictBase()
        machine = Machine(base, base.state)
        for number in range(60):
            client = number * 7 % 5 + 1
            commands = [register(client), numbered(put(b"a", prev_kv=True), client, number % 9 + 1, number % 7)]
            apply(machine, entry(*commands, *([close(client)] if number % 11 == 0 else [])))
            if number % every == 0:
                machine = restarted(machine, base)
        digests.append(machine.digest)
    assert len(set(digests)) == 1
