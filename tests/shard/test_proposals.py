"""The fates of writes: queued, proposed, settled, expired; and what is said of each."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import DeleteRequest, Operation, TxnRequest
from ostraka_server.paxos import Ballot, Entry
from ostraka_server.shard.proposals import ENDED_BYTES_MAX, ENTRY_COMMANDS_MAX, Batch, Proposals
from ostraka_server.wire.entry_pb2 import Entry as EntryPayload
from tests.shard.asking import Asked, put

BALLOT = Ballot(1, 3, 7)


def no_value(key: bytes) -> int:
    return 0


def next_batch(proposals: Proposals) -> Batch:
    batch = proposals.next_batch(BALLOT, 1_000)
    assert batch is not None
    return batch


def proposed(proposals: Proposals, slot: int, *calls: Asked) -> Batch:
    for call in calls:
        proposals.add(call)
    batch = next_batch(proposals)
    proposals.proposed(slot, batch)
    return batch


def decided(slot: int, payload: bytes) -> Entry:
    return Entry(slot, Ballot(1, 9, 9), payload)


def test_an_entry_carries_the_very_bytes_in_their_order() -> None:
    proposals = Proposals(7, no_value)
    calls = [Asked(put(b"%d" % i)) for i in range(3)]
    batch = proposed(proposals, 5, *calls)
    entry = EntryPayload.FromString(batch.payload)
    assert list(entry.commands) == [call.command for call in calls]
    assert (entry.format, entry.proposer, entry.round, entry.wall_ms) == (3, 7, 3, 1_000)


def test_no_two_entries_are_equal() -> None:
    proposals = Proposals(7, no_value)
    assert proposed(proposals, 5, Asked(put())).payload != proposed(proposals, 6, Asked(put())).payload


def test_an_entry_ends_at_its_bound_in_bytes_and_a_larger_command_goes_alone() -> None:
    proposals = Proposals(7, no_value, entry_bytes_max=1000)
    small, large = put(value=bytes(300)), put(value=bytes(2000))
    for command in (small, small, small, small, large, small):
        proposals.add(Asked(command))
    batches = [next_batch(proposals) for _ in range(4)]
    assert [len(batch.calls) for batch in batches] == [3, 1, 1, 1]
    assert all(len(batch.payload) <= 1050 for batch in batches if len(batch.calls) > 1)
    assert proposals.next_batch(BALLOT, 1_000) is None


def test_what_deletes_ranges_goes_alone() -> None:
    """Each may take as much memory as a machine may hold."""
    proposals = Proposals(7, no_value)
    one, many = Command(delete=DeleteRequest(key=b"k")), Command(delete=DeleteRequest(key=b"k", range_end=b"l"))
    nested = Command(txn=TxnRequest(then=[Operation(txn=TxnRequest(otherwise=[Operation(delete=many.delete)]))]))
    plain = Command(txn=TxnRequest(then=[Operation(delete=one.delete)]))
    for command in (put(), one, many, many, nested, put(), plain):
        proposals.add(Asked(command))
    assert [len(next_batch(proposals).calls) for _ in range(5)] == [2, 1, 1, 1, 2]
    assert proposals.next_batch(BALLOT, 1_000) is None


def test_what_ends_large_values_goes_in_several_entries() -> None:
    """They are held until the store has them, however small the commands that end them are."""
    large = Command(delete=DeleteRequest(key=b"large"))
    both = Command(txn=TxnRequest(then=[Operation(delete=large.delete)], otherwise=[Operation(put=put(b"large").put)]))
    proposals = Proposals(7, lambda key: ENDED_BYTES_MAX // 4 if key == b"large" else 0)
    for command in (large, put(), put(b"large"), put(), both, large, put(), both, both, both):
        proposals.add(Asked(command))
    assert [len(next_batch(proposals).calls) for _ in range(3)] == [5, 3, 2]
    assert proposals.next_batch(BALLOT, 1_000) is None


def test_many_tiny_commands_do_not_make_an_entry_longer_than_its_bound() -> None:
    proposals = Proposals(7, no_value, entry_bytes_max=1000)
    for _ in range(500):
        proposals.add(Asked(put(b"k", b"")))
    assert len(next_batch(proposals).payload) <= 1050


def test_an_entry_ends_at_its_bound_in_commands() -> None:
    proposals = Proposals(7, no_value)
    for _ in range(ENTRY_COMMANDS_MAX + 1):
        proposals.add(Asked(put(b"k", b"")))
    assert [len(next_batch(proposals).calls) for _ in range(2)] == [ENTRY_COMMANDS_MAX, 1]


def test_what_is_answered_before_it_is_proposed_is_dropped() -> None:
    proposals = Proposals(7, no_value)
    first, withdrawn, last = (Asked(put(value=bytes([i]) * 600)) for i in range(3))
    for call in (first, withdrawn, last):
        proposals.add(call)
    withdrawn.answer(Reply())
    assert next_batch(proposals).calls == (first, last)


def test_the_slot_decided_with_our_bytes_carries_the_writes() -> None:
    proposals = Proposals(7, no_value)
    call = Asked(put())
    batch = proposed(proposals, 5, call)
    assert proposals.settle(decided(5, batch.payload)) == ((call,), [])
    assert proposals.settle(decided(5, batch.payload)) == ((), [])
    assert not call.replies, "the group answers, with the machine's result"


def test_the_slot_decided_with_other_bytes_has_lost_them() -> None:
    proposals = Proposals(7, no_value)
    call = Asked(put())
    proposed(proposals, 5, call)
    assert proposals.settle(decided(5, b"another's")) == ((), [call])


def test_other_slots_do_not_concern_them() -> None:
    proposals = Proposals(7, no_value)
    call = Asked(put())
    batch = proposed(proposals, 5, call)
    assert proposals.settle(decided(4, batch.payload)) == ((), [])
    assert len(proposals) == 1


def test_of_two_entries_for_a_slot_either_may_be_decided() -> None:
    for winner in (0, 1):
        proposals = Proposals(7, no_value)
        calls = [Asked(put()), Asked(put())]
        batches = [proposed(proposals, 5, call) for call in calls]
        assert proposals.settle(decided(5, batches[winner].payload)) == ((calls[winner],), [calls[1 - winner]])


def test_a_queued_write_expires_as_surely_not_done() -> None:
    proposals = Proposals(7, no_value)
    call = Asked(put(), deadline=10.0)
    proposals.add(call)
    proposals.expire(9.9)
    assert not call.replies
    proposals.expire(10.0)
    assert call.error.detail.surely_not_done
    assert proposals.next_batch(BALLOT, 1_000) is None


def test_a_proposed_write_expires_with_its_outcome_unknown() -> None:
    proposals = Proposals(7, no_value)
    first, second = Asked(put(), deadline=10.0), Asked(put(), deadline=10.0)
    proposed(proposals, 5, first)
    proposed(proposals, 5, second)
    proposals.expire(10.0)
    for call in (first, second):
        assert not call.error.detail.surely_not_done


def test_answered_calls_do_not_gather_behind_one_that_waits() -> None:
    proposals = Proposals(7, no_value)
    proposals.add(Asked(put(), deadline=1000.0))
    for _ in range(100):
        proposals.add(Asked(put(), deadline=1.0))
    proposals.expire(2.0)
    assert len(proposals) == 1


def test_a_follower_gives_up_what_is_queued_but_not_what_is_proposed() -> None:
    proposals = Proposals(7, no_value)
    under_way, queued, expired = Asked(put()), Asked(put()), Asked(put(), deadline=1.0)
    proposed(proposals, 5, under_way)
    proposals.add(expired)
    proposals.expire(2.0)
    proposals.add(queued)
    assert proposals.take_queued() == [queued]
    assert not proposals.queued
    assert len(proposals) == 1
