"""Power losses: what was flushed is found again, what was not may be, and never anything else."""

from __future__ import annotations

from random import Random

import pytest

from ostraka_server.log import LogCorrupt, LogFailed, MemoryDirectory
from tests.log.workload import PowerLoss, Workload, contents, reopen


@pytest.mark.parametrize("seed", range(40))
def test_a_log_survives_power_loss_after_power_loss(seed: int) -> None:
    random = Random(seed)
    directory, workload = MemoryDirectory(), Workload(random)
    for _ in range(12):
        directory.fail(random.randint(1, 120), PowerLoss())
        with pytest.raises(PowerLoss):
            log = reopen(directory)
            workload.check(contents(log))
            while True:
                workload.flush(log)
        directory.crash(random)
    workload.check(contents(reopen(directory)))


@pytest.mark.parametrize("flushes", [1, 2, 22])
def test_power_may_fail_at_any_step_and_again_at_any_step_of_the_recovery(flushes: int) -> None:
    """22 flushes roll into a second segment."""
    for step in _last_steps(flushes):
        for seed in range(3):
            random = Random(seed)
            directory, workload = MemoryDirectory(), Workload(Random(flushes))
            directory.fail(step, PowerLoss())
            with pytest.raises(PowerLoss):
                log = reopen(directory)
                while True:
                    workload.flush(log)
            directory.crash(random)
            directory.fail(random.randint(1, 8), PowerLoss())
            with pytest.raises(PowerLoss):
                while True:
                    workload.check(contents(reopen(directory)))
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


@pytest.mark.parametrize("seed", range(20))
def test_after_an_error_of_the_disk_the_log_is_dead_and_its_next_life_is_durable(seed: int) -> None:
    """A failed sync leaves in the page cache what is not on the disk: the next life must not take it for durable."""
    random = Random(seed)
    directory, workload = MemoryDirectory(), Workload(random)
    for _ in range(6):
        log = reopen(directory)
        directory.fail(random.randint(1, 40), OSError(5, "Input/output error"))
        with pytest.raises(LogFailed, match="Input/output error"):
            while True:
                workload.flush(log)
        for call in (
            log.flush,
            lambda: log.promise(1, (9, 9, 9)),
            lambda: log.decided(1, 1),
            lambda: log.read(1, 1, 1, 1),
        ):
            with pytest.raises(LogFailed):
                call()
        log.close()
        before_crash = contents(reopen(directory))
        workload.check(before_crash)
        directory.crash(random)
        assert contents(reopen(directory)) == before_crash


def test_an_error_while_opening_is_named() -> None:
    directory = MemoryDirectory()
    directory.fail(1, OSError(28, "No space left on device"))
    with pytest.raises(LogFailed, match="No space left"):
        reopen(directory)


def test_a_torn_batch_is_dropped_only_while_nothing_tells_that_its_sync_returned() -> None:
    """The same torn bytes: beyond the last sync they are a torn tail, before it damage."""
    directory = MemoryDirectory()
    log = reopen(directory)
    log.accept(1, 1, (1, 1, 7), b"one")
    log.flush()
    segment = directory.open("0000000001.segment")
    before = segment.read(0, 10**6)
    log.accept(1, 2, (1, 1, 7), bytes(2000))
    log.flush()
    tail = before.index(b"one") // 4096 * 4096 + 4096
    segment.write(tail + 512, before[tail + 512 : tail + 1024])
    torn = segment.read(0, 10**6)
    assert len(reopen(directory).recovered[1].entries) == 1
    segment.write(0, torn)
    log.accept(1, 3, (1, 1, 7), b"three")
    log.flush()
    with pytest.raises(LogCorrupt, match="entry of group 1, slot 2, ballot 1.1.7"):
        reopen(directory)
