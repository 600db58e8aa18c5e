"""What a new leader proposes again. The last test is the theorem: what was chosen stays chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos import NO_OP, Ballot, Entry, Faulty
from ostraka_server.paxos.adoption import adopt, open_slots
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
    with pytest.raises(AssertionError):
        adopt([promise(decided=4), promise()], 4)


def faulty(slot: int, round_: int, *accepted: tuple[int, int, bytes]) -> Promise:
    return replace(promise(*accepted), faulty=(Faulty(slot, ballot(round_)),))


def test_a_faulty_slot_is_neither_empty_nor_accepted() -> None:
    assert open_slots([promise(), faulty(1, 2)], 1, members=3, quorum=2) == [1]
    assert open_slots([promise((1, 1, b"older")), faulty(1, 2)], 1, members=3, quorum=2) == [1]


def test_a_faulty_slot_is_no_matter_once_a_quorum_knows_what_it_accepted() -> None:
    promises = [promise((1, 1, b"a")), promise(), faulty(1, 2)]
    assert open_slots(promises, 1, members=5, quorum=3) == [1]
    assert open_slots([*promises, promise()], 1, members=5, quorum=3) == []
    assert adopt([*promises, promise()], 1) == [(1, b"a")]


def test_an_entry_of_its_ballot_or_a_higher_one_tells_what_a_faulty_slot_held() -> None:
    for round_ in (2, 3):
        promises = [promise((1, round_, b"a")), faulty(1, 2)]
        assert open_slots(promises, 1, members=3, quorum=2) == []
        assert adopt(promises, 1) == [(1, b"a")]


def test_when_all_have_promised_the_highest_readable_ballot_wins_else_a_no_op() -> None:
    promises = [promise((1, 1, b"a")), faulty(1, 2), faulty(2, 2)]
    assert open_slots(promises, 1, members=3, quorum=2) == []
    assert adopt(promises, 1) == [(1, b"a"), (2, NO_OP)]


def test_faulty_slots_that_are_decided_meanwhile_are_left_alone() -> None:
    assert open_slots([promise(), faulty(1, 2)], 2, members=3, quorum=2) == []
    assert adopt([promise(), faulty(1, 2)], 2) == []


@dataclass
class Attempt:
    """One leader's ballot: what disks lost before it, who promised in turn, and who accepted each slot."""

    damage: set[tuple[int, int]]
    promisers: list[int]
    acceptors: list[set[int]]


attempts = st.builds(
    Attempt,
    st.sets(st.tuples(st.sampled_from(REPLICAS), st.integers(1, SLOTS)), max_size=6),
    st.lists(st.sampled_from(REPLICAS), min_size=majority(len(REPLICAS)), unique=True),
    st.lists(st.sets(st.sampled_from(REPLICAS)), min_size=SLOTS, max_size=SLOTS),
)


class Disks:
    """What every replica accepted last of each slot; of what is faulty only the ballot."""

    def __init__(self) -> None:
        self.accepted: dict[int, dict[int, Entry]] = {replica: {} for replica in REPLICAS}
        self.faulty: dict[int, dict[int, Faulty]] = {replica: {} for replica in REPLICAS}

    def damage(self, replica: int, slot: int, *, chosen: bool) -> None:
        """Unless that was the last copy of something chosen, which is outside of the model."""
        lost = self.accepted[replica].get(slot)
        others = [self.accepted[other].get(slot) for other in REPLICAS if other != replica]
        if lost and (not chosen or any(other and other.ballot >= lost.ballot for other in others)):
            del self.accepted[replica][slot]
            self.faulty[replica][slot] = Faulty(slot, lost.ballot)

    def accept(self, replica: int, entry: Entry) -> None:
        self.accepted[replica][entry.slot] = entry
        self.faulty[replica].pop(entry.slot, None)

    def promise(self, replica: int) -> Promise:
        return Promise(NOW, tuple(self.accepted[replica].values()), 0, tuple(self.faulty[replica].values()))


@given(st.lists(attempts, max_size=8))
def test_what_was_chosen_is_proposed_by_every_later_ballot(history: list[Attempt]) -> None:
    disks = Disks()
    chosen: dict[int, bytes] = {}
    for round_, attempt in enumerate(history, start=1):
        for replica, slot in sorted(attempt.damage):
            disks.damage(replica, slot, chosen=slot in chosen)
        promises = [disks.promise(each) for each in attempt.promisers]
        if open_slots(promises, 1, len(REPLICAS), majority(len(REPLICAS))):
            continue
        adopted = dict(adopt(promises, 1))
        for slot, acceptors in enumerate(attempt.acceptors, start=1):
            payload = adopted.get(slot, b"proposed in %d" % round_)
            assert payload == chosen.get(slot, payload)
            for replica in acceptors:
                disks.accept(replica, Entry(slot, ballot(round_), payload))
            if len(acceptors) >= majority(len(REPLICAS)):
                chosen[slot] = payload
