"""Power losses: what was flushed is found again, what was not may be, and never anything else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from ostraka_server.log import AcceptorLog, FaultySlot, LogFailed, LogRefused, MemoryDirectory
from ostraka_server.log.layout import BLOCK, DATA_AT, MARKS_AT, SECTOR, digest
from tests.log.workload import Contents, PowerLoss, Workload, contents, reopen


def run_until_stopped(directory: MemoryDirectory, workload: Workload, *, truncating: bool = False) -> AcceptorLog:
    """Open the log, check what it holds, flush until something stops it. The log, when it was opened at all."""
    log = reopen(directory)
    workload.check(contents(log))
    with suppress(PowerLoss, LogFailed):
        while True:
            workload.flush(log)
            if truncating:
                workload.truncate(log)
    return log


@pytest.mark.parametrize("truncating", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_a_log_survives_power_loss_after_power_loss(seed: int, truncating: bool) -> None:
    random = Random(seed)
    directory, workload = MemoryDirectory(), Workload(random)
    for _ in range(12):
        directory.fail(random.randint(1, 120), PowerLoss())
        with suppress(PowerLoss):
            run_until_stopped(directory, workload, truncating=truncating)
        directory.crash(random)
    workload.check(contents(reopen(directory)))


@pytest.mark.parametrize("flushes", [1, 2, 22])
def test_power_may_fail_at_any_step_and_again_at_any_step_of_the_recovery(flushes: int) -> None:
    """22 flushes roll into a second segment."""
    for step in _last_steps(flushes):
        for seed in range(3):
            random = Random(seed)
            directory, workload = MemoryDirectory(), Workload(Random(flushes))
            for failing_step in (step, random.randint(1, 8)):
                directory.fail(failing_step, PowerLoss())
                with suppress(PowerLoss):
                    run_until_stopped(directory, workload)
                directory.crash(random)
            log = reopen(directory)
            workload.check(contents(log))
            workload.flush(log)
            workload.check(contents(reopen(directory)))


def _last_steps(flushes: int) -> range:
    directory, workload = MemoryDirectory(), Workload(Random(flushes))
    log = reopen(directory)
    for _ in range(flushes):
        workload.flush(log)
    return range(max(1, directory.steps - 25), directory.steps + 1)


def test_power_may_fail_at_any_step_of_a_truncation() -> None:
    """One that moves records, says which segments count, and deletes four of them."""
    directory, _, before = _about_to_truncate()
    log = reopen(directory)
    opened = directory.steps
    log.truncate(1, 29)
    assert directory.list()[0] == "0000000005.segment", directory.list()
    steps, after = directory.steps - opened, contents(reopen(directory))
    assert after.slots[2] == before.slots[2], "of a group that is idle: moved"
    for step in range(1, steps + 1):
        for seed in range(3):
            directory, log, _ = _about_to_truncate()
            directory.fail(step, PowerLoss())
            with suppress(PowerLoss):
                log.truncate(1, 29)
            directory.crash(Random(seed))
            log = reopen(directory)
            assert contents(log).slots in (before.slots, after.slots)
            log.truncate(1, 30)
            assert contents(reopen(directory)).slots == {1: {}, 2: after.slots[2]}
            assert directory.list()[0] == "0000000005.segment", "the next one makes up for it"


def _about_to_truncate() -> tuple[MemoryDirectory, AcceptorLog, Contents]:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(2, 1, (1, 1, 7), b"idle")
    for slot in range(1, 31):
        log.accept(1, slot, (1, 1, 7), bytes(8000))
        log.decided(1, slot)
        log.flush()
    return directory, log, contents(reopen(directory))


@pytest.mark.parametrize("seed", range(20))
def test_what_a_log_finds_after_an_error_of_the_disk_is_durable(seed: int) -> None:
    """A failed sync leaves in the page cache what is not on the disk: the next life must not take it for durable."""
    random = Random(seed)
    directory, workload = MemoryDirectory(), Workload(random)
    for _ in range(6):
        directory.fail(random.randint(20, 60), OSError(5, "Input/output error"))
        run_until_stopped(directory, workload).close()
        found = contents(reopen(directory))
        workload.check(found)
        directory.crash(random)
        assert contents(reopen(directory)) == found


@pytest.mark.parametrize("step", [1, 2, 3])
def test_after_an_error_of_the_disk_every_call_raises_and_no_sync_is_tried_again(step: int) -> None:
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, (1, 1, 7), b"")
    opened_after = directory.steps
    directory.fail(step, OSError(5, "Input/output error"))
    calls: list[Callable[[], object]] = [
        log.flush,
        log.flush,
        lambda: log.promise(1, (9, 9, 9)),
        lambda: log.accept(1, 1, (9, 9, 9), b""),
        lambda: log.decided(1, 1),
        lambda: log.read(1, 1, 1, 1),
    ]
    for call in calls:
        with pytest.raises(LogFailed, match="Input/output error"):
            call()
    log.close()
    assert directory.steps == opened_after + step, "nothing after the step that failed"


def test_an_error_while_opening_is_named() -> None:
    directory = MemoryDirectory()
    directory.fail(1, OSError(28, "No space left on device"))
    with pytest.raises(LogFailed, match="No space left"):
        reopen(directory)


@pytest.mark.parametrize("told_by", ["nothing", "mark and footer", "footer"])
def test_a_torn_batch_is_dropped_only_while_nothing_tells_that_its_sync_returned(told_by: str) -> None:
    """The same torn bytes: behind the last sync they are a torn tail, before it they are damage."""
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, (1, 1, 7), b"one")
    log.flush()
    segment = directory.open("0000000001.segment")
    blank = segment.read(DATA_AT + BLOCK, SECTOR)
    log.accept(1, 2, (1, 1, 7), bytes(2000))
    log.flush()
    if told_by != "nothing":
        log.accept(1, 3, (1, 1, 7), b"three")
        log.flush()
    if told_by == "footer":
        segment.flip(MARKS_AT[3 % 2], 1)
    segment.write(DATA_AT + BLOCK + SECTOR, blank)
    recovered = reopen(directory).recovered[1]
    if told_by == "nothing":
        assert ([entry.slot for entry in recovered.entries], recovered.faulty) == ([1], ())
    else:
        assert [entry.slot for entry in recovered.entries] == [1, 3]
        assert recovered.faulty == (FaultySlot(2, (1, 1, 7), digest(bytes(2000))),)


@pytest.mark.parametrize("third", ["torn", "whole"])
def test_what_a_recovery_decided_holds_for_the_next_one(third: str) -> None:
    """A mark that outlived its torn batch must not speak against the batch that takes its place."""
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, (1, 1, 7), b"one")
    log.flush()
    segment = directory.open("0000000001.segment")
    blank = segment.read(DATA_AT + BLOCK, SECTOR)
    log.accept(1, 2, (1, 1, 7), b"two")
    log.flush()
    segment.write(DATA_AT + BLOCK, blank)
    log = reopen(directory)
    mark = segment.read(MARKS_AT[0], BLOCK)
    log.accept(1, 2, (1, 2, 7), b"other two")
    log.flush()
    segment.write(MARKS_AT[0], mark)
    if third == "torn":
        segment.write(DATA_AT + BLOCK, blank)
    found = [entry.payload for entry in reopen(directory).recovered[1].entries]
    assert found == ([b"one"] if third == "torn" else [b"one", b"other two"])


@pytest.mark.parametrize("readable", [0, 1])
def test_the_only_readable_mark_outlives_a_power_loss_in_the_recovery(readable: int) -> None:
    for step in range(1, 8):
        for seed in range(8):
            directory = MemoryDirectory()
            log = reopen(directory)
            for slot in range(1, 31):
                log.accept(1, slot, (1, 1, 7), b"a mark of several sectors")
            log.flush()
            directory.open("0000000001.segment").flip(MARKS_AT[1 - readable], 1)
            directory.fail(step, PowerLoss())
            with suppress(PowerLoss):
                reopen(directory)
            directory.crash(Random(seed))
            assert len(reopen(directory).recovered[1].entries) == 30


def test_an_unfinished_segment_is_removed_but_not_for_another_node() -> None:
    directory = MemoryDirectory()
    reopen(directory).close()
    directory.create("0000000002.segment.new", 100)
    with pytest.raises(LogRefused):
        AcceptorLog.open(directory, b"another node")
    assert len(directory.list()) == 2
    reopen(directory)
    assert directory.list() == ["0000000001.segment"]
