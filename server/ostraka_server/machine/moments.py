"""When revisions were made, by the leaders' clocks: a sparse map, for reads as of a time and compaction by age.

1. Of each second in which revisions were made the last one is noted, when it was made. So what a time leads to was made
   by then, and at most what was made in the second before it is missing.
2. Times never go back: a stamp below the last noted counts as that one.
3. At most `POINTS_MAX` points are kept: when one more comes, every second one of the older half goes.
4. What compaction leaves begins with the last point at or before the compacted revision.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ostraka_server.machine.records import MalformedRecord, decoded, named
from ostraka_server.wire.record_pb2 import Moments as StoredMoments

POINTS_MAX = 16_384
"""Part of the entry format: all replicas must forget the same moments."""

_PREFIX = b"moments/"
_RECORD_MS = 1 << 18
"""A record holds the points of so long, some four minutes: a flush rewrites the last one or two."""


class Moments:
    """A part of the machine's records."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._revisions: list[int] = []
        self._dirty: set[int] = set()  # numbers of records

    def load(self, records: Mapping[bytes, bytes]) -> None:
        for _, data in named(records, _PREFIX):
            stored = decoded(StoredMoments, data)
            self._times += stored.unix_ms
            self._revisions += stored.revision
        if len(self._times) != len(self._revisions) or not (_ascends(self._times) and _ascends(self._revisions)):
            raise MalformedRecord("the moments of the checkpoint do not ascend")

    def changed(self) -> Mapping[bytes, bytes | None]:
        changed = {_PREFIX + number.to_bytes(8, "big"): self._record(number) for number in sorted(self._dirty)}
        self._dirty.clear()
        return changed

    def note(self, unix_ms: int, revision: int) -> int:
        """The shard came to `revision`; when, as it counts."""
        times, revisions = self._times, self._revisions
        if times:
            last = times[-1]
            unix_ms = max(unix_ms, last)
            if unix_ms // 1000 == last // 1000:
                self._touch(last)
                times.pop()
                revisions.pop()
            elif len(times) == POINTS_MAX:
                self._thin()
        times.append(unix_ms)
        revisions.append(revision)
        self._touch(unix_ms)
        return unix_ms

    def revision_at(self, unix_ms: int) -> int:
        """The last revision known to have been made by then; 1, that of an empty shard, where none is."""
        after = bisect_right(self._times, unix_ms)
        return self._revisions[after - 1] if after else 1

    def prune(self, compact_revision: int) -> None:
        """Forget what leads to revisions that cannot be read any more."""
        keep = max(0, bisect_right(self._revisions, compact_revision) - 1)
        for unix_ms in self._times[:keep]:
            self._touch(unix_ms)
        del self._times[:keep]
        del self._revisions[:keep]

    def _thin(self) -> None:
        half = len(self._times) // 2
        for unix_ms in self._times[1:half:2]:
            self._touch(unix_ms)
        del self._times[1:half:2]
        del self._revisions[1:half:2]

    def _touch(self, unix_ms: int) -> None:
        self._dirty.add(unix_ms // _RECORD_MS)

    def _record(self, number: int) -> bytes | None:
        first, end = (bisect_left(self._times, each * _RECORD_MS) for each in (number, number + 1))
        if first == end:
            return None
        return StoredMoments(unix_ms=self._times[first:end], revision=self._revisions[first:end]).SerializeToString()


def _ascends(numbers: Sequence[int]) -> bool:
    return all(one < next_one for one, next_one in pairwise(numbers))
