"""Where a node keeps what survives it, and what does the blocking work. The simulator has a twin on its own disks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Protocol

from ostraka_server.log.files import Directory
from ostraka_server.log.posix import PosixDirectory
from ostraka_server.paxos.formation import Announcement
from ostraka_server.shard import sightings
from ostraka_server.shard.directory import NodeDirectory
from ostraka_server.shard.disk_reserve import free_bytes
from ostraka_server.shard.seams import Runner, ThreadRunner
from ostraka_server.store import ConnectionFactory, FileFactory


class Record(Protocol):
    """Whose data directory it is, and what the formation has recorded; nobody else uses it until `close`."""

    @property
    def announcement(self) -> Announcement:
        """What was recorded last."""

    def record(self, announcement: Announcement) -> None:
        """Make a step of the formation durable. Blocking."""

    def close(self) -> None:
        """Let another process have the directory."""


class Storage(Protocol):
    """One node's."""

    @property
    def path(self) -> Path:
        """What messages call it."""

    def record(self, cluster: str, node: str, groups: Sequence[int], random: Random) -> Record:
        """Opened, or made with fresh replica ids where nothing is stored. Raises DirectoryRefused. Blocking."""

    def log(self) -> Directory:
        """The acceptor log's directory."""

    def store(self, group: int) -> ConnectionFactory:
        """Of a group's store."""

    def sightings(self) -> dict[str, int]:
        """How far the other nodes' logs were seen (`shard/sightings.py`), as far as it was saved. Blocking."""

    def save_sightings(self, seen: Mapping[str, int]) -> None:
        """Save it, unsynced. Blocking."""

    def free_bytes(self) -> int:
        """What may still be written. Blocking; raises OSError."""

    def runner(self, name: str) -> Runner:
        """A new one, for one kind of work."""


class FileStorage:
    """Files in a node's data directory, a thread for each kind of work."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir

    def record(self, cluster: str, node: str, groups: Sequence[int], random: Random) -> NodeDirectory:
        return NodeDirectory.open(self.path, cluster=cluster, node=node, groups=tuple(groups), random=random)

    def log(self) -> Directory:
        return PosixDirectory(self.path / "log")

    def store(self, group: int) -> ConnectionFactory:
        return FileFactory(self.path / f"group-{group}.db")

    def sightings(self) -> dict[str, int]:
        return sightings.load(self.path)

    def save_sightings(self, seen: Mapping[str, int]) -> None:
        sightings.save(self.path, seen)

    def free_bytes(self) -> int:
        return free_bytes(self.path)

    def runner(self, name: str) -> Runner:
        return ThreadRunner(name)
