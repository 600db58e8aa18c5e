"""What both kinds of files keep to, and what each has of its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from random import Random

import pytest

from ostraka_server.log import AcceptorLog, Directory, MemoryDirectory, PosixDirectory
from ostraka_server.log.layout import SECTOR
from ostraka_server.log.memory import LOST
from tests.log.workload import OWNER, SMALL


@pytest.fixture(params=["memory", "posix"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    return MemoryDirectory() if request.param == "memory" else PosixDirectory(tmp_path / "log")


def test_a_file_begins_as_zeros_and_keeps_what_is_written(directory: Directory) -> None:
    file = directory.create("a", 1000)
    assert file.read(0, 2000) == bytes(1000)
    file.write(10, b"hello")
    file.write(12, b"LL")
    file.write(998, b"over")
    file.sync()
    file.close()
    file = directory.open("a")
    assert file.read(9, 7) == b"\0heLLo\0"
    assert file.read(997, 100) == b"\0over"
    assert file.read(5000, 10) == b""
    file.close()


def test_names_are_listed_changed_and_removed(directory: Directory) -> None:
    for name in ("b", "a", "c"):
        file = directory.create(name, 10)
        file.write(0, name.encode())
        file.close()
    directory.rename("b", "a")
    directory.remove("c")
    directory.sync()
    assert directory.list() == ["a"]
    file = directory.open("a")
    assert file.read(0, 1) == b"b"
    file.close()


def test_what_does_not_fit_the_names_is_an_error(directory: Directory) -> None:
    directory.create("a", 1).close()
    with pytest.raises(FileExistsError):
        directory.create("a", 1)
    for call in (directory.open, directory.remove, lambda name: directory.rename(name, "x")):
        with pytest.raises(FileNotFoundError):
            call("missing")


def test_a_log_lives_in_either(directory: Directory) -> None:
    log = AcceptorLog.open(directory, OWNER, SMALL)
    for slot in range(1, 50):
        log.accept(1, slot, (1, 1, 7), b"%d" % slot * 500)
        log.flush()
    log.close()
    log = AcceptorLog.open(directory, OWNER, SMALL)
    assert [entry.payload for entry in log.recovered[1].entries] == [b"%d" % slot * 500 for slot in range(1, 50)]
    log.close()


def test_real_files_are_reserved_and_private(tmp_path: Path) -> None:
    PosixDirectory(tmp_path / "log").create("a", 1 << 20).close()
    status = os.stat(tmp_path / "log" / "a")
    assert status.st_mode & 0o777 == 0o600
    assert status.st_blocks * 512 >= 1 << 20
    assert os.stat(tmp_path / "log").st_mode & 0o777 == 0o700


def test_space_that_cannot_be_reserved_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        PosixDirectory(tmp_path).create("a", 1 << 62)


def test_a_crash_keeps_any_of_the_unsynced_sectors_and_all_of_the_synced() -> None:
    seen = set()
    for seed in range(60):
        directory = MemoryDirectory()
        file = directory.create("a", 3 * SECTOR)
        file.write(0, b"s" * 3 * SECTOR)
        file.sync()
        directory.sync()
        file.write(0, b"u" * (2 * SECTOR))
        directory.crash(Random(seed))
        data = directory.open("a").read(0, 3 * SECTOR)
        sectors = [set(data[at : at + SECTOR]) for at in range(0, 3 * SECTOR, SECTOR)]
        assert sectors[2] == set(b"s")
        assert all(len(sector) == 1 for sector in sectors)
        seen.add((bytes(sectors[0]), bytes(sectors[1])))
    assert seen == {(b"s", b"s"), (b"s", b"u"), (b"u", b"s"), (b"u", b"u")}


def test_a_crash_keeps_the_first_of_the_unsynced_names() -> None:
    seen = set()
    for seed in range(30):
        directory = MemoryDirectory()
        directory.create("a", 1)
        directory.sync()
        directory.create("b", 1)
        directory.rename("b", "c")
        directory.crash(Random(seed))
        seen.add(tuple(directory.list()))
    assert seen == {("a",), ("a", "b"), ("a", "c")}


def test_a_failed_sync_loses_what_reads_still_show_and_the_next_one_does_not_save_it() -> None:
    directory = MemoryDirectory()
    file = directory.create("a", SECTOR)
    file.sync()
    directory.sync()
    directory.fail(2, OSError(5, "Input/output error"))
    file.write(0, b"lost")
    with pytest.raises(OSError, match="Input/output error"):
        file.sync()
    assert file.read(0, 4) == b"lost"
    file.sync()
    directory.crash(Random(0))
    assert directory.open("a").read(0, 4) == bytes(4)


@pytest.mark.parametrize(("by", "landed"), [(SECTOR, SECTOR), (-SECTOR, 0), (LOST, None)])
def test_a_write_may_go_astray_and_only_that_one(by: int, landed: int | None) -> None:
    directory = MemoryDirectory()
    file = directory.create("a", 4 * SECTOR)
    directory.stray(2, by)
    file.write(2 * SECTOR, b"first")
    file.write(0, b"second")
    file.write(3 * SECTOR, b"third")
    data = file.read(0, 4 * SECTOR)
    assert data.find(b"second") == (-1 if landed is None else landed)
    assert (data.find(b"first"), data.find(b"third")) == (2 * SECTOR, 3 * SECTOR)


def test_a_copy_has_what_is_durable_and_goes_its_own_way() -> None:
    directory = MemoryDirectory()
    file = directory.create("a", SECTOR)
    file.write(0, b"durable")
    file.sync()
    directory.sync()
    file.write(0, b"written")
    directory.create("b", SECTOR)
    copy = directory.copy()
    file.sync()
    assert copy.list() == ["a"]
    assert copy.open("a").read(0, 7) == b"durable"


def test_a_full_disk_takes_no_more_files() -> None:
    directory = MemoryDirectory()
    directory.room = 100
    directory.create("a", 100)
    with pytest.raises(OSError, match="no space left") as full:
        directory.create("b", 101)
    assert full.value.errno == errno.ENOSPC
