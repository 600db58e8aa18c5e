"""Damage to what was synced: named, or nothing is lost. Never a shorter log."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random

import pytest

from ostraka_server.log import Damage, FaultySlot, LogConfig, LogCorrupt, LogRefused, MemoryDirectory
from ostraka_server.log.layout import BLOCK, DATA_AT, MARKS_AT, SECTOR, SLOT, START_AT, blank_sector, digest
from ostraka_server.log.manifest import unpack_manifest
from ostraka_server.log.memory import MemoryFile
from ostraka_server.log.record import HEADER_BYTES
from tests.log.workload import SMALL, Contents, Workload, contents, faulty_slots, reopen

FIRST, SECOND = "0000000001.segment", "0000000002.segment"


@pytest.fixture(scope="module")
def written() -> tuple[MemoryDirectory, Contents]:
    """A log that lost power after its last flush, with two segments, the second holding a few batches."""
    directory, workload = MemoryDirectory(), Workload(Random(3))
    log = reopen(directory)
    while len(directory.list()) < 2 or log.sequence % 4:
        workload.flush(log)
    directory.crash(Random(0))
    return directory, contents(reopen(copy.deepcopy(directory)))


def check(written: tuple[MemoryDirectory, Contents], damage: Callable[[MemoryDirectory], object]) -> str:
    """What becomes of the damage; where it is not refused, all that is lost must have a name."""
    directory, expected = written
    damaged = copy.deepcopy(directory)
    damage(damaged)
    try:
        log = reopen(damaged)
    except LogCorrupt:
        return "refused"
    faulty = faulty_slots(log)
    assert contents(log) == expected.without(faulty)
    again = reopen(damaged)
    assert (contents(again), faulty_slots(again)) == (contents(log), faulty), "as the first opening found it"
    return "named" if faulty else "harmless"


def used_bytes(file: MemoryFile) -> list[int]:
    """The bytes of all sectors that hold something that was ever meant: not the never written, not the blank."""
    data = file.read(0, 10**6)
    unused = (bytes(SECTOR), blank_sector(unpack_manifest(data, START_AT).chain))
    sectors = (at for at in range(0, len(data), SECTOR) if data[at : at + SECTOR] not in unused)
    return [byte for at in sectors for byte in range(at, at + SECTOR)]


def flipped(name: str, at: int, mask: int) -> Callable[[MemoryDirectory], None]:
    return lambda directory: directory.open(name).flip(at, mask)


def cut(name: str, size: int) -> Callable[[MemoryDirectory], None]:
    return lambda directory: directory.open(name).cut(size)


def zeroed(name: str, at: int) -> Callable[[MemoryDirectory], None]:
    return lambda directory: directory.open(name).write(at, bytes(SECTOR))


def test_no_flipped_byte_loses_anything() -> None:
    """Every other byte of three batches, of both marks and of the headers, in a log that was not closed."""
    random = Random(1)
    directory = log_of(b"first", bytes(600), b"third" * 50)
    file = directory.open(FIRST)
    whole = file.read(0, 10**6)
    expected = [b"first", bytes(600), b"third" * 50]
    named = refused = 0
    used = used_bytes(file)
    for at in used[::2]:
        file.flip(at, 1 << random.randrange(8))
        try:
            found = reopen(directory).recovered[5]
        except LogCorrupt:
            refused += 1
        else:
            named += bool(found.faulty)
            held = {entry.slot: entry.payload for entry in found.entries}
            assert held.keys() | {each.slot for each in found.faulty} == {1, 2, 3}
            assert all(expected[slot - 1] == payload for slot, payload in held.items())
        file.write(0, whole)
    assert 0.1 < named / len(used[::2]) < 0.3, "records; footers are put back, of marks there are two"
    assert refused / len(used[::2]) < 0.3, "what a segment is and where it began"


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_no_flipped_byte_of_two_segments_loses_anything(written: tuple[MemoryDirectory, Contents], name: str) -> None:
    random = Random(2)
    for at in random.sample(used_bytes(written[0].open(name)), 100):
        check(written, flipped(name, at, random.randrange(1, 256)))


def test_no_cut_loses_anything(written: tuple[MemoryDirectory, Contents]) -> None:
    for name in (FIRST, SECOND):
        for size in range(0, DATA_AT + 16 * BLOCK, 1777):
            assert check(written, cut(name, size)) == "refused" or size > DATA_AT


def test_no_batch_that_reads_as_zeros_is_taken_for_never_written(written: tuple[MemoryDirectory, Contents]) -> None:
    """A disk that forgets returns zeros; a place that was never written is blank instead."""
    directory, _ = written
    last_sector = max(used_bytes(directory.open(SECOND))) // SECTOR * SECTOR
    for at in (DATA_AT, last_sector):
        check(written, zeroed(SECOND, at))


def log_of(*payloads: bytes) -> MemoryDirectory:
    """Group 5, slot n in batch n with payload n; not closed. There is much blank space behind."""
    directory = MemoryDirectory()
    log = reopen(directory, LogConfig(SMALL.segment_bytes, blank_ahead_bytes=16 * BLOCK))
    for slot, payload in enumerate(payloads, 1):
        log.accept(5, slot, (1, 4, 7), payload)
        log.flush()
    return directory


def place_of(directory: MemoryDirectory, payload: bytes, name: str = FIRST) -> int:
    return directory.open(name).read(0, 10**6).index(payload)


def slots_named(directory: MemoryDirectory, *groups: int) -> list[int]:
    """The faulty slots of group 5, or of all the given ones."""
    faulty = faulty_slots(reopen(directory))
    return [each.slot for group in groups or (5,) for each in faulty.get(group, ())]


@pytest.mark.parametrize("slot", [1, 2, 3])
def test_a_damaged_entry_is_named_wherever_it_lies(slot: int) -> None:
    payloads = (b"first" * 100, b"second" * 100, b"third" * 100)
    directory = log_of(*payloads)
    at = place_of(directory, payloads[slot - 1])
    directory.open(FIRST).flip(at, 1)
    assert faulty_slots(reopen(directory)) == {5: (FaultySlot(slot, (1, 4, 7), digest(payloads[slot - 1])),)}


def test_everything_damaged_is_named_at_once() -> None:
    payloads = (b"first", b"second", b"third", b"fourth")
    directory = log_of(*payloads)
    for payload in (b"first", b"third", b"fourth"):
        directory.open(FIRST).flip(place_of(directory, payload), 0x10)
    assert slots_named(directory) == [1, 3, 4]


def test_the_mark_names_the_last_batch_when_all_of_it_is_gone() -> None:
    directory = log_of(b"first", b"second")
    file = directory.open(FIRST)
    at = place_of(directory, b"second") - HEADER_BYTES
    file.write(at, b"\xff" * 2 * SECTOR)
    for _ in range(3):
        assert slots_named(directory) == [2], "and the name outlives the mark"
        log = reopen(directory)
        log.promise(5, (1, 5 + log.sequence, 7))
        log.flush()


def test_the_marks_name_the_last_two_batches() -> None:
    directory = log_of(b"first", b"second", b"third")
    file = directory.open(FIRST)
    file.write(place_of(directory, b"second") - HEADER_BYTES, b"\xff" * 2 * SECTOR)
    for _ in range(3):
        assert slots_named(directory) == [2], "and the name outlives the mark"
        log = reopen(directory)
        log.promise(5, (1, 5 + log.sequence, 7))
        log.flush()


def test_a_batch_without_any_list_is_refused() -> None:
    directory = log_of(b"first", b"second", b"third", b"fourth")
    file = directory.open(FIRST)
    file.write(place_of(directory, b"second") - HEADER_BYTES, b"\xff" * 2 * SECTOR)
    file.flip(place_of(directory, b"third"), 1)
    with pytest.raises(LogCorrupt) as raised:
        reopen(directory)
    assert [damage.kind for damage in raised.value.damaged] == ["batch"]


def test_one_mark_is_enough_and_none_is_corruption() -> None:
    for copy_at in MARKS_AT:
        directory = log_of(b"first", b"second")
        directory.open(FIRST).flip(copy_at + 20, 1)
        assert len(reopen(directory).recovered[5].entries) == 2
    directory = log_of(b"first", b"second")
    for copy_at in MARKS_AT:
        directory.open(FIRST).flip(copy_at + 20, 1)
    with pytest.raises(LogCorrupt, match=r"mark"):
        reopen(directory)


def test_the_entry_below_a_damaged_mark_is_not_dropped_when_it_is_damaged_as_well() -> None:
    """The mark of batch 2 is gone, so nothing says that batch 2 was; but a torn batch would show a blank sector."""
    directory = log_of(b"first", b"second")
    directory.open(FIRST).flip(MARKS_AT[2 % 2] + 20, 1)
    directory.open(FIRST).flip(place_of(directory, b"second"), 1)
    assert slots_named(directory) == [2]


def test_a_write_that_never_reached_the_disk_is_noticed_after_a_clean_close() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(5, 1, (1, 4, 7), b"first")
    log.flush()
    before = directory.open(FIRST).read(0, 10**6)
    log.accept(5, 2, (1, 4, 7), b"second")
    log.flush()
    log.close()
    at = place_of(directory, b"second") - HEADER_BYTES
    directory.open(FIRST).write(at, before[at : at + 2 * SECTOR])
    assert slots_named(directory) == [2]


def test_a_batch_of_another_past_is_never_taken_for_real() -> None:
    """Batch 3 of one log, valid in itself, behind batch 2' of a log that went on differently after batch 1."""
    one = log_of(b"same", b"second", b"third")
    other = log_of(b"same", b"SECOND")
    at = place_of(one, b"third") - HEADER_BYTES
    other.open(FIRST).write(at, one.open(FIRST).read(at, 2 * SECTOR))
    with pytest.raises(LogCorrupt):
        reopen(other)


def test_another_batch_in_the_place_of_the_last_is_told_by_the_mark() -> None:
    """It follows on what precedes it and is valid in itself, but it is not what was synced here."""
    one, other = log_of(b"same", b"second"), log_of(b"same", b"SECOND")
    at = place_of(one, b"second") - HEADER_BYTES
    other.open(FIRST).write(at, one.open(FIRST).read(at, 2 * SECTOR))
    with pytest.raises(LogCorrupt, match="mark"):
        reopen(other)


def test_the_last_batch_of_an_older_segment_is_not_taken_for_torn(written: tuple[MemoryDirectory, Contents]) -> None:
    """Though it reads as never written: the next segment was begun after its sync. The mark still names it."""
    directory = copy.deepcopy(written[0])
    file = directory.open(FIRST)
    last = max((unpack_manifest(file.read(at, SLOT), 0) for at in MARKS_AT), key=lambda mark: mark.sequence)
    blank = blank_sector(unpack_manifest(file.read(START_AT, SECTOR), 0).chain)
    file.write(last.start, blank * ((last.end - last.start) // SECTOR))
    assert slots_named(directory, *written[1].slots)


def test_a_missing_segment_is_named(written: tuple[MemoryDirectory, Contents]) -> None:
    directory = copy.deepcopy(written[0])
    directory.remove(FIRST)
    with pytest.raises(LogCorrupt) as raised:
        reopen(directory)
    assert raised.value.damaged == (Damage("segment", 1, 0),)


def test_a_segment_of_another_past_is_not_taken_for_the_next_one() -> None:
    directories = []
    for seed in (1, 2):
        directory, workload = MemoryDirectory(), Workload(Random(seed))
        log = reopen(directory)
        while len(directory.list()) < 2:
            workload.flush(log)
        directories.append(directory)
    one, other = directories
    size = len(other.open(SECOND).read(0, 10**7))
    one.open(SECOND).write(0, other.open(SECOND).read(0, size))
    with pytest.raises(LogCorrupt):
        reopen(one)


def test_a_faulty_slot_is_healed_by_the_payload_that_was_decided_and_by_no_other() -> None:
    directory = log_of(b"first", b"second", b"third")
    log = reopen(directory)
    log.decided(5, 2)
    log.close()
    for payload in (b"first", b"third"):
        directory.open(FIRST).flip(place_of(directory, payload), 1)
    log = reopen(directory)
    assert (log.lacks(5, 2), log.lacks(5, 3), log.unreadable(5)) == (1, 3, 2)
    assert [entry.slot for entry in log.read(5, 2, 9, 100)] == [2]
    with pytest.raises(LogRefused, match="slot 1"):
        log.accept(5, 1, (1, 5, 8), b"another")
    log.accept(5, 1, (1, 5, 8), b"first")
    log.accept(5, 3, (1, 5, 8), b"not known decided: anything")
    log.flush()
    assert (log.lacks(5, 3), log.unreadable(5), slots_named(directory)) == (0, 0, [])
    assert [entry.payload for entry in reopen(directory).read(5, 1, 2, 100)] == [b"first", b"second"]


def test_damage_to_what_has_been_overwritten_or_truncated_is_no_damage() -> None:
    directory = log_of(b"first", b"second", b"third")
    log = reopen(directory)
    log.accept(5, 2, (1, 5, 7), b"in its place")
    log.flush()
    log.truncate(5, 1)
    for payload in (b"first", b"second"):
        directory.open(FIRST).flip(place_of(directory, payload), 1)
    assert slots_named(directory) == []
