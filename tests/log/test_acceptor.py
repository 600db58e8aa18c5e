"""The log as its caller sees it."""

from __future__ import annotations

import pytest

from ostraka_server.log import (
    AcceptorLog,
    EntryDamaged,
    LogConfig,
    LogFailed,
    LoggedEntry,
    LogRefused,
    MemoryDirectory,
    RecoveredGroup,
)
from ostraka_server.log.layout import MAX_GROUPS, MAX_RECORDS
from tests.log.workload import OWNER, SMALL, reopen

LOW, HIGH = (1, 1, 7), (1, 2, 3)


def entries(*slots: int, ballot: tuple[int, int, int] = LOW) -> list[LoggedEntry]:
    return [LoggedEntry(slot, ballot, b"%d" % slot) for slot in slots]


def accept(log: AcceptorLog, *slots: int, ballot: tuple[int, int, int] = LOW) -> None:
    for entry in entries(*slots, ballot=ballot):
        log.accept(1, *entry)


def test_a_new_log_is_empty() -> None:
    log = reopen(MemoryDirectory())
    assert (log.recovered, log.sequence, log.pending) == ({}, 0, False)
    assert log.read(1, 1, 10, 1000) == []


def test_promises_and_entries_of_all_groups_come_back_from_one_sync() -> None:
    directory = MemoryDirectory()
    log = reopen(directory, LogConfig(segment_bytes=64 * 4096, blank_ahead_bytes=8 * 4096))
    log.promise(1, HIGH)
    log.accept(2, 1, LOW, b"a")
    log.accept(2, 2, LOW, b"")
    log.accept(3, 1, HIGH, b"c")
    steps = directory.steps
    log.flush()
    assert directory.steps == steps + 3, "the batch, its mark, one sync"
    assert (log.sequence, log.pending) == (1, False)
    assert reopen(directory).recovered == {
        1: RecoveredGroup(HIGH, 0, 0, []),
        2: RecoveredGroup(LOW, 0, 0, [LoggedEntry(1, LOW, b"a"), LoggedEntry(2, LOW, b"")]),
        3: RecoveredGroup(HIGH, 0, 0, [LoggedEntry(1, HIGH, b"c")]),
    }


def test_nothing_is_durable_before_the_flush() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 1)
    assert log.pending
    assert log.read(1, 1, 1, 100) == []
    assert reopen(directory).recovered == {}


def test_a_promise_never_falls() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.promise(1, HIGH)
    with pytest.raises(AssertionError):
        log.promise(1, LOW)
    accept(log, 1)
    log.flush()
    assert reopen(directory).recovered[1] == RecoveredGroup(HIGH, 0, 0, entries(1))


def test_an_accept_promises_its_ballot() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 1, ballot=HIGH)
    log.flush()
    assert reopen(directory).recovered[1].promised == HIGH


def test_the_last_record_of_a_slot_wins_within_a_batch_and_over_segments() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    for round_number in range(1, 60):
        log.accept(1, 1, (1, round_number, 7), b"old")
        log.accept(1, 1, (1, round_number, 7), b"%d" % round_number)
        log.flush()
    assert len(directory.list()) > 1
    expected = [LoggedEntry(1, (1, 59, 7), b"59")]
    assert log.read(1, 1, 1, 100) == expected
    assert reopen(directory).recovered[1].entries == expected


def test_decided_waits_for_a_flush_that_happens_anyway() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 1, 2, 3)
    log.flush()
    steps = directory.steps
    log.decided(1, 2)
    assert not log.pending
    log.flush()
    assert directory.steps == steps, "nothing to sync for"
    log.promise(1, HIGH)
    log.flush()
    assert reopen(directory).recovered[1] == RecoveredGroup(HIGH, 2, 0, entries(3))


def test_decided_never_falls_and_close_writes_it() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 1, 2, 3)
    log.flush()
    log.decided(1, 3)
    log.decided(1, 2)
    log.close()
    assert reopen(directory).recovered[1] == RecoveredGroup(LOW, 3, 0, [])


def test_close_writes_what_is_pending_and_ends_the_log() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 1)
    log.close()
    with pytest.raises(LogFailed, match="closed"):
        log.flush()
    log.close()
    assert reopen(directory).recovered[1].entries == entries(1)


def test_entries_above_what_is_decided_come_back_with_gaps() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    accept(log, 2, 1, 1000, 5, 10**15)
    log.decided(1, 1)
    log.flush()
    assert reopen(directory).recovered[1].entries == entries(2, 5, 1000, 10**15)


def test_read_stops_at_a_gap_at_the_end_and_at_its_bytes() -> None:
    log = reopen(MemoryDirectory())
    accept(log, 1, 2, 3, 5)
    log.flush()
    assert log.read(1, 1, 9, 100) == entries(1, 2, 3)
    assert log.read(1, 2, 2, 100) == entries(2)
    assert log.read(1, 1, 9, 2) == entries(1, 2)
    assert log.read(1, 1, 9, 0) == entries(1), "one even when over"
    assert log.read(1, 4, 9, 100) == []
    assert log.read(1, 3, 2, 100) == []
    assert log.read(2, 1, 9, 100) == []


def test_read_goes_over_segments() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    for slot in range(1, 60):
        accept(log, slot)
        log.flush()
    assert len(directory.list()) > 2
    assert log.read(1, 1, 100, 10**6) == entries(*range(1, 60))
    assert reopen(directory).read(1, 1, 100, 10**6) == entries(*range(1, 60))


def test_read_checks_what_it_reads() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, LOW, b"precious")
    log.flush()
    file = directory.open("0000000001.segment")
    file.flip(file.read(0, 10**6).index(b"precious"), 1)
    with pytest.raises(EntryDamaged, match=r"group 1, slot 1, ballot 1\.1\.7 .* Start the node again"):
        log.read(1, 1, 1, 100)


def test_more_entries_than_a_batch_takes_and_more_bytes_than_a_segment_holds() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    count = 2 * MAX_RECORDS + 10
    accept(log, *range(1, count + 1))
    log.flush()
    assert log.sequence == 3
    for slot in range(count + 1, count + 10):
        log.accept(1, slot, LOW, b"%d" % slot * 8000)
    log.flush()
    assert len(directory.list()) > 2
    recovered = reopen(directory).recovered[1].entries
    assert recovered[:count] == entries(*range(1, count + 1))
    assert [entry.payload[:3] for entry in recovered[count:]] == [b"%d" % slot for slot in range(count + 1, count + 10)]


def test_a_batch_larger_than_what_lies_blank_is_one_batch_still() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, LOW, bytes(SMALL.max_payload_bytes))
    log.flush()
    assert log.sequence == 1
    assert reopen(directory).recovered[1].entries == [LoggedEntry(1, LOW, bytes(SMALL.max_payload_bytes))]


def test_sequence_goes_on_over_restarts_and_segments() -> None:
    directory = MemoryDirectory()
    for expected in range(1, 40):
        log = reopen(directory)
        accept(log, expected)
        log.flush()
        assert log.sequence == expected


def test_the_sizes_may_change_between_starts() -> None:
    directory = MemoryDirectory()
    for slot, segment_blocks in enumerate((48, 60, 44), 1):
        log = reopen(directory, LogConfig(segment_bytes=segment_blocks * 4096, blank_ahead_bytes=8192))
        for _ in range(30):
            accept(log, slot)
            log.flush()
    assert reopen(directory).recovered[1].entries == entries(1, 2, 3)


def test_refusals_leave_the_log_as_it_was() -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    with pytest.raises(ValueError, match="payload"):
        log.accept(1, 1, LOW, bytes(SMALL.max_payload_bytes + 1))
    for group in range(MAX_GROUPS):
        log.promise(group, LOW)
    with pytest.raises(LogRefused, match="256"):
        log.accept(MAX_GROUPS, 1, LOW, b"")
    log.flush()
    log.accept(0, 1, LOW, b"x")
    log.flush()
    assert len(reopen(directory).recovered) == MAX_GROUPS


def test_a_log_of_another_node_is_refused_by_name() -> None:
    directory = MemoryDirectory()
    reopen(directory).close()
    with pytest.raises(LogRefused, match=r"node 1 of cluster c.*node 2"):
        AcceptorLog.open(directory, b"node 2 of cluster c", SMALL)


def test_another_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = MemoryDirectory()
    with monkeypatch.context() as patched:
        patched.setattr("ostraka_server.log.identity.FORMAT_VERSION", 9)
        reopen(directory).close()
    with pytest.raises(LogRefused, match="format version 9"):
        reopen(directory)


def test_a_log_that_must_exist_is_not_begun_anew() -> None:
    directory = MemoryDirectory()
    with pytest.raises(LogRefused, match="must not come back"):
        AcceptorLog.open(directory, OWNER, SMALL, must_exist=True)
    assert directory.list() == []
    reopen(directory).close()
    AcceptorLog.open(directory, OWNER, SMALL, must_exist=True)


@pytest.mark.parametrize(("segment", "ahead"), [(1, 4096), (10 * 4096, 4096), (48 * 4096, 0), (48 * 4096, 1000)])
def test_sizes_that_cannot_work_are_refused(segment: int, ahead: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        LogConfig(segment_bytes=segment, blank_ahead_bytes=ahead)
