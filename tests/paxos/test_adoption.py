"""What a new leader proposes again. The last test is the theorem: what was chosen stays chosen."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos import NO_OP, Ballot, Entry
from ostraka_server.paxos.adoption import adopt, decided_through
from ostraka_server.paxos.messages import Promise
from ostraka_server.paxos.quorum import majority

REPLICAS = range(5)
SLOTS = 3
NOW = Ballot(1, 99, 1)


def ballot(round_: int) -> Ballot:
    return Ballot(1, round_, 1)


def promise(*accepted: tuple[int, int, bytes], decided: int = 0) -> Promise:
    return Promise(NOW, tuple(Entry(slot, ballot(round_), payload) for slot, round_, payload in accepted), decided)


def test_nothing_reported_means_nothing_to_propose_again() -> None:
    assert adopt([promise(), promise()], 1) == []


def test_the_highest_ballot_wins_slot_by_slot_in_any_order_of_promises() -> None:
    one = promise((1, 1, b"old"), (2, 3, b"new"))
    other = promise((1, 2, b"new"), (2, 1, b"old"))
    assert adopt([one, other], 1) == adopt([other, one], 1) == [(1, b"new"), (2, b"new")]


def test_holes_are_filled_and_nothing_follows_the_last_reported_slot() -> None:
    assert adopt([promise((3, 1, b"c")), promise()], 1) == [(1, NO_OP), (2, NO_OP), (3, b"c")]


def test_an_accepted_no_op_is_a_value_like_any_other() -> None:
    assert adopt([promise((1, 2, NO_OP)), promise((1, 1, b"old"))], 1) == [(1, NO_OP)]


def test_slots_decided_meanwhile_are_left_alone() -> None:
    assert adopt([promise((1, 1, b"a"), (2, 1, b"b")), promise()], 2) == [(2, b"b")]


def test_nothing_may_be_proposed_where_a_promiser_knows_the_decision() -> None:
    assert decided_through([promise(decided=4), promise(decided=2)]) == 4
    with pytest.raises(AssertionError):
        adopt([promise(decided=4), promise()], 4)


@dataclass
class Attempt:
    """One leader's ballot: who promised, and who accepted each slot."""

    promisers: set[int]
    acceptors: list[set[int]]


attempts = st.builds(
    Attempt,
    st.sets(st.sampled_from(REPLICAS), min_size=majority(len(REPLICAS))),
    st.lists(st.sets(st.sampled_from(REPLICAS)), min_size=SLOTS, max_size=SLOTS),
)


@given(st.lists(attempts, max_size=8))
def test_what_was_chosen_is_proposed_by_every_later_ballot(history: list[Attempt]) -> None:
    accepted: dict[int, dict[int, Entry]] = {replica: {} for replica in REPLICAS}
    chosen: dict[int, bytes] = {}
    for round_, attempt in enumerate(history, start=1):
        promises = [Promise(ballot(round_), tuple(accepted[each].values()), 0) for each in attempt.promisers]
        adopted = dict(adopt(promises, 1))
        for slot, acceptors in enumerate(attempt.acceptors, start=1):
            payload = adopted.get(slot, b"proposed in %d" % round_)
            assert payload == chosen.get(slot, payload)
            for replica in acceptors:
                accepted[replica][slot] = Entry(slot, ballot(round_), payload)
            if len(acceptors) >= majority(len(REPLICAS)):
                chosen[slot] = payload
