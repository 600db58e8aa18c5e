"""How far back the shard's past can be read, and what is refused for it."""

from __future__ import annotations

from collections.abc import Mapping

from ostraka.v1 import common_pb2
from ostraka_server.machine.records import decoded
from ostraka_server.machine.results import Refused
from ostraka_server.wire.record_pb2 import Compacted

_NAME = b"compacted"


class History:
    """A part of the machine's records."""

    def __init__(self) -> None:
        self.compact_revision = 0
        """The oldest revision that can be read; 0 where none was given up yet."""
        self._changed = False

    def load(self, records: Mapping[bytes, bytes]) -> None:
        stored = records.get(_NAME)
        if stored is not None:
            self.compact_revision = decoded(Compacted, stored).revision

    def changed(self) -> Mapping[bytes, bytes | None]:
        if not self._changed:
            return {}
        self._changed = False
        return {_NAME: Compacted(revision=self.compact_revision).SerializeToString()}

    def refuse_read(self, revision: int, current: int) -> Refused | None:
        """Why a shard at revision `current` cannot be read as of `revision`, or None."""
        if revision > current:
            return _future(revision, current)
        return self._refused(f"revision {revision} is compacted") if revision < self.compact_revision else None

    def compact(self, revision: int, current: int) -> Refused | None:
        """Give up what is before `revision`; or why not (etcd's rules)."""
        if revision > current:
            return _future(revision, current)
        if revision <= self.compact_revision:
            return self._refused(f"what is before revision {revision} was given up already")
        self.compact_revision, self._changed = revision, True
        return None

    def _refused(self, what: str) -> Refused:
        oldest = self.compact_revision
        return Refused(common_pb2.COMPACTED, f"{what}: the oldest that can be read is {oldest}", oldest)


def _future(revision: int, current: int) -> Refused:
    message = f"revision {revision} is not made yet: the shard is at {current}"
    return Refused(common_pb2.FUTURE_REVISION, message)
