"""A node's data directory: whose it is, and what the formation has recorded. JSON, so that people can read it.

LOCK           held while a process uses the directory
identity.json  who this is and who the members are; written whole, synced, renamed
log/           the acceptor log
group-N.db     the store of group N
"""

from __future__ import annotations

import fcntl
import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostraka_server.paxos.formation import Announcement, Identity, Stage

if TYPE_CHECKING:
    from random import Random

FORMAT = 1
REPLICA_ID_BITS = 63


class DirectoryRefused(Exception):
    """The directory cannot be used: the message names it, the reason and the remedy."""


class NodeDirectory:
    """Opened by one process at a time."""

    def __init__(self, path: Path, cluster: str, node: str, announcement: Announcement, lock: int) -> None:
        self.path = path
        self.announcement = announcement
        self._cluster = cluster
        self._node = node
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, cluster: str, node: str, groups: tuple[int, ...], random: Random) -> NodeDirectory:
        """Open the directory, or format it where it is empty or absent. Raises DirectoryRefused."""
        _make(path)
        lock = _lock(path)
        identity_file = path / "identity.json"
        try:
            if identity_file.exists():
                return cls(path, cluster, node, _load(identity_file, cluster, node), lock)
            _refuse_leftovers(path)
            replicas = tuple((group, 1 + random.getrandbits(REPLICA_ID_BITS)) for group in groups)
            directory = cls(path, cluster, node, Announcement(Identity(node, replicas), Stage.FORMATTED), lock)
            directory.record(directory.announcement)
        except BaseException:
            os.close(lock)
            raise
        return directory

    def record(self, announcement: Announcement) -> None:
        """Make a step of the formation durable."""
        content = {"format": FORMAT, "cluster": self._cluster, "node": self._node, **_to_json(announcement)}
        content["checksum"] = _checksum(content)
        temporary = self.path / "identity.json.new"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.path / "identity.json")
        _sync_names(self.path)
        self.announcement = announcement

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._lock)


def cluster_id(members: tuple[Identity, ...]) -> int:
    """63 bits that follow from the replica ids of all initial members: equal on each of them, and nowhere else."""
    digest = blake2b(repr(sorted((m.node, m.replicas) for m in members)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _make(path: Path) -> None:
    """Make the directory where it is absent, and make its name durable: all that it will hold hangs on it."""
    absent = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in absent:
        _sync_names(each.parent)


def _sync_names(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _lock(path: Path) -> int:
    lock = os.open(path / "LOCK", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise DirectoryRefused(
            f"{path} is in use by another process: stop that node, or give this one a data_dir"
        ) from error
    return lock


def _refuse_leftovers(path: Path) -> None:
    others = sorted(each.name for each in path.iterdir() if each.name not in ("LOCK", "identity.json.new"))
    if others:
        raise DirectoryRefused(
            f"{path} holds {', '.join(others[:3])} but no identity.json: it is not a node's data directory, or "
            f"has been damaged. Give the node an empty directory, or put identity.json back"
        )


def _load(file: Path, cluster: str, node: str) -> Announcement:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        checksum = content.pop("checksum")
        format_number = content["format"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise DirectoryRefused(f"{file} is damaged ({error}): put it back from a copy") from error
    if format_number != FORMAT:
        raise DirectoryRefused(f"{file} has format {format_number}; this version of ostraka reads format {FORMAT}")
    if checksum != _checksum(content):
        raise DirectoryRefused(f"{file} is damaged (its checksum does not match): put it back from a copy")
    if (content["cluster"], content["node"]) != (cluster, node):
        raise DirectoryRefused(
            f"{file.parent} belongs to node {content['node']!r} of cluster {content['cluster']!r}, not to node "
            f"{node!r} of cluster {cluster!r}: set data_dir, node or cluster right"
        )
    return _from_json(content)


def _checksum(content: dict[str, Any]) -> str:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _identity_json(identity: Identity) -> dict[str, Any]:
    return {"node": identity.node, "replicas": {str(group): format(id_, "016x") for group, id_ in identity.replicas}}


def _to_json(announcement: Announcement) -> dict[str, Any]:
    return {
        "identity": _identity_json(announcement.identity),
        "stage": announcement.stage.name,
        "members": [_identity_json(member) for member in announcement.members],
    }


def _identity(content: dict[str, Any]) -> Identity:
    replicas = sorted((int(group), int(id_, 16)) for group, id_ in content["replicas"].items())
    return Identity(content["node"], tuple(replicas))


def _from_json(content: dict[str, Any]) -> Announcement:
    return Announcement(
        _identity(content["identity"]), Stage[content["stage"]], tuple(_identity(each) for each in content["members"])
    )
