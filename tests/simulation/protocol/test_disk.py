"""What a crash leaves, and what a replica starts from."""

from __future__ import annotations

from random import Random

import pytest

from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, Faulty
from tests.simulation.protocol.disk import Accepted, Disk, Learned, Loss, Mark, Promised, Record

LOW, HIGH = Ballot(1, 1, 1), Ballot(1, 2, 2)


def entry(slot: int, ballot: Ballot = LOW) -> Entry:
    return Entry(slot, ballot, b"%d at %d" % (slot, ballot.round))


def disk_of(*records: Record, synced: int = 0) -> tuple[Disk, list[Record]]:
    durable: list[Record] = []
    disk = Disk(durable.append)
    disk.append(records)
    disk.sync(synced)
    return disk, durable


def test_records_are_durable_from_the_sync_on_in_order_and_once() -> None:
    records: list[Record] = [Promised(LOW), Accepted(entry(1)), Accepted(entry(2))]
    disk, durable = disk_of(*records)
    assert durable == []
    disk.sync(2)
    assert durable == records[:2]
    disk.sync(3)
    assert durable == records


def test_an_empty_disk_recovers_to_nothing() -> None:
    assert disk_of()[0].recover() == Durable(NO_BALLOT, 0, ())


def test_recovery_takes_the_highest_promise_the_last_mark_and_the_last_record_of_each_slot_above_it() -> None:
    disk, _ = disk_of(
        Promised(LOW), Accepted(entry(1)), Accepted(entry(3)), Accepted(entry(2)), Mark(1), Promised(HIGH),
        Accepted(entry(3, HIGH)), Learned(entry(2)),
    )  # fmt: skip
    assert disk.recover() == Durable(HIGH, 1, (entry(2), entry(3, HIGH)))


def test_a_vote_implies_its_promise() -> None:
    assert disk_of(Promised(LOW), Accepted(entry(1, HIGH)))[0].recover().promised == HIGH


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("seed", range(20))
def test_a_crash_never_takes_what_was_synced(loss: Loss, seed: int) -> None:
    records = [Accepted(entry(slot)) for slot in range(1, 11)]
    disk, durable = disk_of(*records, synced=4)
    lost = disk.crash(loss, Random(seed))
    survived = [record.slot for record in disk.recover().entries]
    assert survived[:4] == [1, 2, 3, 4]
    assert len(survived) == 10 - lost == disk.end == disk.synced
    assert [record.entry.slot for record in durable if isinstance(record, Accepted)] == survived
    if loss is Loss.NONE:
        assert lost == 0
    if loss is Loss.TAIL:
        assert survived == list(range(1, 11 - lost))


def test_what_is_lost_may_leave_gaps_only_where_any_subset_survives() -> None:
    def gap(loss: Loss, seed: int) -> bool:
        disk, _ = disk_of(*(Accepted(entry(slot)) for slot in range(1, 6)))
        disk.crash(loss, Random(seed))
        slots = [record.slot for record in disk.recover().entries]
        return slots != list(range(1, len(slots) + 1))

    assert any(gap(Loss.ANY, seed) for seed in range(20))
    assert not any(gap(Loss.TAIL, seed) for seed in range(20))


def test_the_log_serves_the_last_record_of_each_slot() -> None:
    disk, _ = disk_of(Accepted(entry(1)), Accepted(entry(2)), Accepted(entry(1, HIGH)))
    assert disk.entries(1, 2) == (entry(1, HIGH), entry(2))
    with pytest.raises(KeyError):
        disk.entries(2, 3)


def test_a_damaged_entry_is_faulty_and_what_is_decided_ends_before_it() -> None:
    disk = disk_of(*(Accepted(entry(slot)) for slot in (1, 2, 3, 4)), Mark(3), synced=5)[0]
    disk.damage(2)
    assert disk.recover() == Durable(LOW, 1, (entry(3), entry(4)), (Faulty(2, LOW),))
    assert disk.readable == [1, 3, 4]
    with pytest.raises(KeyError):
        disk.entries(1, 2)


def test_damage_outlives_a_crash_and_ends_with_the_next_entry_of_its_slot() -> None:
    disk = disk_of(Accepted(entry(1)), synced=1)[0]
    disk.damage(1)
    disk.crash(Loss.ANY, Random(1))
    assert disk.faulty == (Faulty(1, LOW),)
    disk.append([Learned(entry(1, HIGH))])
    assert not disk.faulty
    assert disk.readable == [1]
