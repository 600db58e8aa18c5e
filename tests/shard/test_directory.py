"""A node's data directory: whose it is, what it remembers, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ostraka_server.paxos.formation import Announcement, Identity, Stage
from ostraka_server.shard.directory import DirectoryRefused, NodeDirectory, cluster_id

GROUPS = (0, 1)


def opened(path: Path, *, cluster: str = "c", node: str = "n1", seed: int = 1) -> NodeDirectory:
    return NodeDirectory.open(path, cluster=cluster, node=node, groups=GROUPS, random=Random(seed))


def formatted(path: Path) -> Announcement:
    """Format the directory and let go of it."""
    directory = opened(path)
    directory.close()
    return directory.announcement


def started(own: Identity) -> Announcement:
    return Announcement(own, Stage.STARTED, (own, Identity("n2", ((0, 5), (1, 2**63)))))


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    file = path / "identity.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_an_absent_directory_is_made_and_formatted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    announcement = formatted(path)
    assert announcement.stage is Stage.FORMATTED
    assert announcement.identity.node == "n1"
    assert [group for group, _ in announcement.identity.replicas] == [0, 1]
    assert all(0 < replica < 2**63 + 1 for _, replica in announcement.identity.replicas)
    assert path.stat().st_mode & 0o777 == 0o700


def test_who_it_is_stays_whatever_chance_says_later(tmp_path: Path) -> None:
    first = formatted(tmp_path)
    again = opened(tmp_path, seed=2)
    assert again.announcement == first
    again.close()


def test_what_is_recorded_is_found_again(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    announcement = started(directory.announcement.identity)
    directory.record(announcement)
    directory.close()
    again = opened(tmp_path)
    assert again.announcement == announcement
    again.close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    with pytest.raises(DirectoryRefused, match="in use by another process"):
        opened(tmp_path)
    directory.close()
    opened(tmp_path).close()


def test_a_refused_directory_is_let_go_of(tmp_path: Path) -> None:
    formatted(tmp_path)
    with pytest.raises(DirectoryRefused):
        opened(tmp_path, node="n2")
    opened(tmp_path).close()


@pytest.mark.parametrize(("cluster", "node"), [("c", "n2"), ("other", "n1")])
def test_another_nodes_directory_is_refused_by_name(tmp_path: Path, cluster: str, node: str) -> None:
    formatted(tmp_path)
    with pytest.raises(DirectoryRefused, match=r"belongs to node 'n1' of cluster 'c'") as refusal:
        opened(tmp_path, cluster=cluster, node=node)
    assert str(tmp_path) in str(refusal.value)


def test_a_directory_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter 1")
    with pytest.raises(DirectoryRefused, match=r"thesis\.tex"):
        opened(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["LOCK", "thesis.tex"]


def test_a_members_directory_without_its_identity_is_refused(tmp_path: Path) -> None:
    formatted(tmp_path)
    (tmp_path / "log").mkdir()
    (tmp_path / "identity.json").unlink()
    with pytest.raises(DirectoryRefused, match=r"put identity\.json back"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "null",
        lambda text: "{}",
        lambda text: text.replace("FORMATTED", "STARTED"),
        lambda text: text.replace('"n1"', '"n9"', 1),
        lambda text: text.replace('"checksum"', '"cheksum"'),
    ],
)
def test_damage_is_refused_by_name(tmp_path: Path, damage: Callable[[str], str]) -> None:
    formatted(tmp_path)
    file = tmp_path / "identity.json"
    file.write_text(damage(file.read_text()))
    with pytest.raises(DirectoryRefused, match="damaged") as refusal:
        opened(tmp_path)
    assert str(file) in str(refusal.value)


def test_every_flipped_byte_of_the_identity_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    announcement = formatted(tmp_path)
    file = tmp_path / "identity.json"
    intact = file.read_bytes()
    for place in range(len(intact)):
        file.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
        try:
            directory = opened(tmp_path)
        except DirectoryRefused:
            continue
        assert directory.announcement == announcement
        directory.close()


def test_another_format_is_refused_by_its_number(tmp_path: Path) -> None:
    formatted(tmp_path)
    edit(tmp_path, lambda content: content.__setitem__("format", 2))
    with pytest.raises(DirectoryRefused, match="format 2"):
        opened(tmp_path)


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", ["open", "fsync", "rename"])
def test_a_crash_while_recording_leaves_the_step_before(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = opened(tmp_path)
    before = directory.announcement
    target, name = (Path, "rename") if step == "rename" else (os, step)

    def crash(*args: object, **kwargs: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(target, name, crash)
        with pytest.raises(Crash):
            directory.record(started(before.identity))
    assert directory.announcement == before, "what is not durable must not be told"
    directory.close()
    again = opened(tmp_path)
    assert again.announcement == before
    again.record(started(before.identity))
    again.close()


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_crash_while_formatting_leaves_a_directory_to_format(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, name = (Path, "rename") if step == "rename" else (os, step)
    path = tmp_path / "data"
    path.mkdir()

    def crash(*args: object, **kwargs: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(target, name, crash)
        with pytest.raises(Crash):
            opened(path)
    assert formatted(path).stage is Stage.FORMATTED


def test_each_step_is_synced_before_its_name_and_the_name_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = opened(tmp_path)
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"rename {path.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    directory.record(started(directory.announcement.identity))
    directory.close()
    assert done == ["sync identity.json.new", "rename identity.json.new", f"sync {tmp_path.name}"]


def test_a_new_directorys_own_name_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    formatted(tmp_path / "deep" / "data")
    assert {tmp_path, tmp_path / "deep", tmp_path / "deep" / "data"} <= set(synced)


def test_a_cluster_is_known_by_its_members_replicas() -> None:
    one, two = Identity("n1", ((0, 1), (1, 2))), Identity("n2", ((0, 3), (1, 4)))
    other = Identity("n2", ((0, 3), (1, 5)))
    assert cluster_id((one, two)) == cluster_id((two, one))
    assert cluster_id((one, two)) != cluster_id((one, other))
    assert 0 < cluster_id((one, two)) < 2**63
