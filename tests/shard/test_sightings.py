"""How an old copy of a directory is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostraka_server.paxos.formation import Stranger
from ostraka_server.shard.directory import DirectoryRefused
from ostraka_server.shard.sightings import FILE, Sightings, load, save


def test_a_log_that_was_seen_further_is_refused_and_stays_so() -> None:
    sightings = Sightings({"n2": 5})
    for sequence in (5, 6, 6, 9):
        sightings.saw("n2", sequence)
    for _ in range(2):
        with pytest.raises(Stranger, match="ends at 8, but has been seen at 9"):
            sightings.saw("n2", 8)
    sightings.saw("n3", 1)
    assert sightings.seen == {"n2": 9, "n3": 1}


def test_a_node_of_which_more_was_seen_refuses_its_own_directory() -> None:
    sightings = Sightings({})
    sightings.check_own(0, Path("data"))
    sightings.told("n2", 8)
    sightings.told("n3", 4)
    sightings.check_own(8, Path("data"))
    told = r"data is an old copy: its log ends at 7, but node n2 .* at 8.*ostraka dump"
    with pytest.raises(DirectoryRefused, match=told):
        sightings.check_own(7, Path("data"))


def test_what_was_seen_is_kept_over_restarts(tmp_path: Path) -> None:
    assert load(tmp_path) == {}
    save(tmp_path, {"n2": 9, "n3": 1})
    assert load(tmp_path) == {"n2": 9, "n3": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b'{"n2": "x"}', b'{"n2": null}', b"\xff", b'{"n2": Infinity}', b'{"n2": -1}',
        b'{"n2": 18446744073709551616}', b'{"\\ud800": 1}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_sighting(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert load(tmp_path) == {}
