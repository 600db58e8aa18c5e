"""How far the nodes' logs have been seen to be, which tells an old copy of a directory from the newest.

A log's durable sequence only rises. Every frame of messages tells the sender's, every hello what was seen of the
receiver's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ostraka_server.paxos.formation import Stranger
from ostraka_server.shard.directory import DirectoryRefused
from ostraka_server.wire.replica_pb2 import Hello, Seen

FILE = "sightings.json"


class Sightings:
    """One node's."""

    def __init__(self, seen: Mapping[str, int]) -> None:
        """`seen`: what was saved, by node."""
        self._seen = dict(seen)
        self._own: tuple[int, str] = (0, "")

    @property
    def seen(self) -> Mapping[str, int]:
        """The furthest that each other node's log has been seen."""
        return self._seen

    def saw(self, node: str, sequence: int) -> None:
        """`node` says that its log is durable through `sequence`. Raises Stranger where it was further before."""
        known = self._seen.get(node, 0)
        if sequence < known:
            raise Stranger(
                f"its log ends at {sequence}, but has been seen at {known}: an old copy of its directory was put back"
            )
        self._seen[node] = sequence

    def told(self, by: str, sequence: int) -> None:
        """The node `by` has seen this node's own log at `sequence`."""
        self._own = max(self._own, (sequence, by))

    def check_own(self, sequence: int, directory: Path) -> None:
        """This node's log is durable through `sequence`. Raises DirectoryRefused where somebody has seen more."""
        seen, by = self._own
        if sequence < seen:
            raise DirectoryRefused(
                f"{directory} is an old copy: its log ends at {sequence}, but node {by} has seen it at {seen}. What "
                f"was promised since is forgotten, so this node must not take part. Put the newest directory back; "
                f"or, where it is lost, run `ostraka dump` from the remaining majority and `ostraka load` into a new "
                f"cluster"
            )


def load(directory: Path) -> dict[str, int]:
    """What was saved. Nothing where that cannot be read: old copies are then noticed only as nodes are seen anew."""
    try:
        content = json.loads((directory / FILE).read_text(encoding="utf-8"))
        # As the hello that passes it on does: names are UTF-8, and numbers not negative, of 64 bits.
        wire = Hello(seen=[Seen(node=node, sequence=sequence) for node, sequence in content.items()])
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
    return {each.node: each.sequence for each in wire.seen if each.sequence}


def save(directory: Path, seen: Mapping[str, int]) -> None:
    """Write it whole, unsynced: a power loss leaves this or what was saved before. So does a full disk. Blocks."""
    temporary = directory / f"{FILE}.new"
    with suppress(OSError):
        temporary.write_text(json.dumps(dict(seen), sort_keys=True), encoding="utf-8")
        temporary.rename(directory / FILE)
