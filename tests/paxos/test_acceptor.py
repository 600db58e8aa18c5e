"""The acceptor's three rules, and what becomes durable with which change."""

from __future__ import annotations

import pytest

from ostraka_server.paxos import Ballot, Durable, Entry, Ready
from ostraka_server.paxos.acceptor import AHEAD_BYTES_MAX, AHEAD_ENTRIES_MAX, Acceptor

LOW, HIGH = Ballot(1, 1, 1), Ballot(1, 2, 1)


def entries(ballot: Ballot, *slots: int, payload: bytes = b"x") -> list[Entry]:
    return [Entry(slot, ballot, payload) for slot in slots]


def acceptor_of(*accepted: Entry, decided_through: int = 0) -> Acceptor:
    promised = max((entry.ballot for entry in accepted), default=LOW)
    return Acceptor(Durable(promised, decided_through, accepted))


# Promises


def test_a_promise_is_recorded_once() -> None:
    acceptor, ready = Acceptor(Durable()), Ready()
    acceptor.promise(LOW, ready)
    assert ready.promise == acceptor.promised == LOW
    again = Ready()
    acceptor.promise(LOW, again)
    assert not again


def test_a_promise_never_falls() -> None:
    acceptor = Acceptor(Durable(promised=HIGH))
    with pytest.raises(AssertionError, match="would fall"):
        acceptor.promise(LOW, Ready())
    with pytest.raises(AssertionError, match="would fall"):
        acceptor.accept(LOW, entries(LOW, 1), Ready())
    assert acceptor.promised == HIGH and not acceptor.accepted


# Accepting


def test_accepting_promises_the_ballot() -> None:
    acceptor, ready = Acceptor(Durable(promised=LOW)), Ready()
    assert acceptor.accept(HIGH, entries(HIGH, 1, 3), ready) == [1, 3]
    assert ready.promise == HIGH and ready.entries == entries(HIGH, 1, 3) and ready.must_sync()


def test_a_repeat_counts_as_accepted_and_is_not_recorded_again() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 1)), Ready()
    assert acceptor.accept(LOW, entries(LOW, 1), ready) == [1]
    assert not ready


def test_a_higher_ballot_replaces_what_was_accepted() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 1, 2)), Ready()
    new = Entry(1, HIGH, b"new")
    acceptor.accept(HIGH, [new], ready)
    assert ready.entries == [new]
    assert acceptor.accepted_from(1) == (new, *entries(LOW, 2))


def test_what_is_decided_is_never_accepted_again() -> None:
    acceptor, ready = Acceptor(Durable(LOW, decided_through=5)), Ready()
    assert acceptor.accept(HIGH, entries(HIGH, 4, 5, 6), ready) == [4, 5, 6]
    assert ready.entries == entries(HIGH, 6)


@pytest.mark.parametrize(
    ("proposed", "contradicts"),
    [
        (entries(LOW, 1, payload=b"one"), False),
        (entries(LOW, 1, payload=b"other"), True),
        (entries(LOW, 2, payload=b"other"), False),
        ([*entries(LOW, 2, payload=b"one"), *entries(LOW, 2, payload=b"other")], True),
        (entries(HIGH, 2), True),
        (entries(LOW, 0), True),
    ],
    ids=["a repeat", "another payload", "another slot", "two payloads at once", "another's ballot", "no slot"],
)
def test_what_no_leader_of_a_ballot_proposes(proposed: list[Entry], contradicts: bool) -> None:
    acceptor = acceptor_of(*entries(LOW, 1, payload=b"one"))
    assert acceptor.contradicts(LOW, proposed) is contradicts


def test_a_new_ballot_may_bring_a_new_payload() -> None:
    acceptor = acceptor_of(*entries(LOW, 1, payload=b"one"))
    assert not acceptor.contradicts(HIGH, entries(HIGH, 1, payload=b"other"))


# How far ahead


def test_slots_far_above_the_decided_prefix_are_left_out() -> None:
    acceptor, ready = Acceptor(Durable(LOW, decided_through=10)), Ready()
    last = 10 + AHEAD_ENTRIES_MAX
    assert acceptor.accept(LOW, entries(LOW, last + 1, last), ready) == [last]
    assert ready.entries == entries(LOW, last)


def test_bytes_above_the_decided_prefix_are_bounded_but_the_next_slot_always_fits() -> None:
    acceptor, half = Acceptor(Durable()), b"x" * (AHEAD_BYTES_MAX // 2)
    assert acceptor.accept(LOW, entries(LOW, 2, 3, 4, payload=half), Ready()) == [2, 3]
    assert acceptor.accept(LOW, entries(LOW, 1, payload=half), Ready()) == [1]


def test_deciding_makes_room() -> None:
    acceptor, half = Acceptor(Durable()), b"x" * (AHEAD_BYTES_MAX // 2)
    acceptor.accept(LOW, entries(LOW, 1, 2, payload=half), Ready())
    assert acceptor.accept(LOW, entries(LOW, 3, payload=half), Ready()) == []
    assert acceptor.believe(LOW, 1, Ready())
    assert acceptor.accept(LOW, entries(LOW, 3, payload=half), Ready()) == [3]


def test_replacing_an_entry_frees_its_bytes() -> None:
    acceptor, most = Acceptor(Durable()), b"x" * AHEAD_BYTES_MAX
    acceptor.accept(LOW, entries(LOW, 1, payload=most), Ready())
    acceptor.accept(HIGH, entries(HIGH, 1, payload=b""), Ready())
    assert acceptor.accept(HIGH, entries(HIGH, 2, payload=most), Ready()) == [2]


# Deciding


def test_believing_decides_in_order_and_each_slot_once() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 1, 2, 3)), Ready()
    assert acceptor.believe(LOW, 2, ready)
    assert acceptor.believe(LOW, 2, ready)
    assert ready.decided == entries(LOW, 1, 2) and not ready.must_sync()
    assert acceptor.accepted_from(1) == tuple(entries(LOW, 3))


def test_a_leader_is_not_believed_about_an_entry_of_another_ballot() -> None:
    acceptor, ready = acceptor_of(*entries(HIGH, 1), *entries(LOW, 2), *entries(HIGH, 3)), Ready()
    assert not acceptor.believe(HIGH, 3, ready)
    assert ready.decided == entries(HIGH, 1)


def test_a_leader_is_not_believed_about_a_hole() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 2)), Ready()
    assert not acceptor.believe(LOW, 2, ready)
    assert not ready.decided


def test_learned_entries_are_recorded_but_are_no_votes() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 1)), Ready()
    acceptor.promise(HIGH, Ready())
    acceptor.learn(entries(HIGH, 1, 2), ready)
    assert ready.learned == ready.decided == entries(HIGH, 1, 2)
    assert not ready.entries and ready.promise is None and ready.must_sync()


def test_nothing_is_learned_above_the_promise() -> None:
    acceptor = acceptor_of(*entries(LOW, 1))
    with pytest.raises(AssertionError, match="above the promise"):
        acceptor.learn(entries(HIGH, 1), Ready())


def test_a_learned_entry_that_was_accepted_already_is_not_recorded_again() -> None:
    acceptor, ready = acceptor_of(*entries(LOW, 1)), Ready()
    acceptor.learn(entries(LOW, 1), ready)
    assert ready.decided == entries(LOW, 1) and not ready.learned


def test_learning_passes_over_what_is_known_and_refuses_a_gap() -> None:
    acceptor, ready = Acceptor(Durable(LOW, decided_through=2)), Ready()
    acceptor.learn(entries(LOW, 1, 2, 3), ready)
    assert ready.decided == entries(LOW, 3)
    with pytest.raises(AssertionError, match="gap"):
        acceptor.learn(entries(LOW, 5), ready)


# Starting


def test_it_goes_on_from_what_is_durable() -> None:
    acceptor = acceptor_of(*entries(HIGH, 9), *entries(LOW, 7), decided_through=5)
    assert (acceptor.promised, acceptor.decided_through) == (HIGH, 5)
    assert [entry.slot for entry in acceptor.accepted_from(1)] == [7, 9]
    assert [entry.slot for entry in acceptor.accepted_from(8)] == [9]


@pytest.mark.parametrize(
    "durable",
    [
        Durable(HIGH, 0, (Entry(1, LOW, b"one"), Entry(1, HIGH, b"other"))),
        Durable(HIGH, 3, (Entry(3, LOW, b"decided"),)),
    ],
    ids=["one slot twice", "below the decided prefix"],
)
def test_a_log_that_contradicts_itself_is_refused(durable: Durable) -> None:
    with pytest.raises(AssertionError):
        Acceptor(durable)
