"""Reads by strength, from any replica, each of which tells the revision that it read: so each is checked against that.

- The answer is what the chosen order says of that revision; all pages of a scan are of one.
- A bounded read is of no revision older than what was acknowledged before it was asked, less the staleness that it
  tells. That is counted on the node's clock, so it is checked where these run as fast as time.
- A read that is not to be older than the caller's own write is not, and is never refused as one of the future.
- Meanwhile others compact: what is refused for that lies before a revision that somebody asked to compact to, and what
  was told to be compacted before a linearizable read began, that read does not answer any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from ostraka.checking.witness import Answer, Get, Keyspace, Range, Request
from ostraka.errors import Compacted, FutureRevision, OstrakaError
from tests.simulation.stack.cluster import Cluster, SimulatedClient
from tests.simulation.stack.translation import row_of
from tests.simulation.violation import Violation

STALENESSES_S = 0.0, 0.1, 1.0, 5.0
PAGE_SIZES = 1, 2, 5
COMPACTIONS = 0.1
"""Of the calls here."""
OLDER = 5
"""So many revisions that are compacted are asked for, too."""
END = b"key~"


@dataclass(frozen=True, slots=True)
class _Seen:
    request: Request
    answer: Answer
    revision: int
    """That was read."""
    at_least: int
    """That the read had to see."""
    what: str


class Reads:
    """What callers of one cluster read and were told."""

    def __init__(self, cluster: Cluster, *, true_clocks: bool) -> None:
        self._cluster = cluster
        self._true_clocks = true_clocks
        self._seen: list[_Seen] = []
        self._wrong: list[str] = []
        self._times = [0.0]
        self._revisions = [1]  # the highest acknowledged by then
        self._asked_to_compact = 0
        self._compacted = 0

    @property
    def _newest(self) -> int:
        return self._revisions[-1]

    def acknowledged(self, revision: int) -> None:
        """A write's revision was told to its caller, now."""
        if revision > self._newest:
            self._times.append(self._cluster.now)
            self._revisions.append(revision)

    async def ask(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> bool:
        """Read something, or compact; whether it was answered. What fails tells nothing, unless it must not."""
        if random.random() < COMPACTIONS:
            read = self._compact
        else:
            read = random.choice((self._bounded, self._of_ones_own, self._past, self._past_scan, self._scan))
        try:
            await read(client, random, key, timeout)
        except OstrakaError:
            return False
        return True

    async def _bounded(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        asked_at = self._cluster.now
        found = await client.read(key, max_staleness=random.choice(STALENESSES_S), timeout=timeout)
        assert found.staleness is not None
        since = asked_at - found.staleness - 0.001
        at_least = self._acknowledged_by(since) if self._true_clocks else 1
        self._note(Get(key), row_of(found.kv), found.read_revision, at_least, f"bounded, {found.staleness} s stale")

    async def _of_ones_own(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        own = self._newest
        with self._acknowledged():
            if random.random() < 0.5:
                found = await client.read(key, serializable=True, min_revision=own, timeout=timeout)
            else:
                found = await client.read(key, max_staleness=100.0, min_revision=own, timeout=timeout)
        self._note(Get(key), row_of(found.kv), found.read_revision, own, f"not before {own}")

    async def _past(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        revision, serializable, compacted = self._some_revision(random), random.random() < 0.7, self._compacted
        with self._acknowledged():
            found = await client.read(key, revision=revision, serializable=serializable, timeout=timeout)
        if found.read_revision != revision:
            self._wrong.append(f"revision {revision} was asked for, {found.read_revision} read")
        if revision < compacted and not serializable:
            self._wrong.append(f"revision {revision} was read, after it had been told that {compacted} was compacted")
        self._note(Get(key), row_of(found.kv), revision, revision, "of the past")

    async def _past_scan(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        revision, page_size = self._some_revision(random), random.choice(PAGE_SIZES)
        scan = client.range(key, END, revision=revision, page_size=page_size, timeout=timeout)
        with self._acknowledged():
            rows = tuple([row async for kv in scan if (row := row_of(kv)) is not None])
        self._note(Range(key, END), rows, revision, revision, "a scan of the past")

    async def _compact(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        revision = self._some_revision(random)
        self._asked_to_compact = max(revision, self._asked_to_compact)
        with self._acknowledged():
            await client.compact(revision, timeout=timeout)
        self._compacted = max(revision, self._compacted)
        self._cluster.trace.count("compacted")

    def _some_revision(self, random: Random) -> int:
        """Of those that were acknowledged; mostly one that is not compacted."""
        return random.randint(max(1, min(self._compacted, self._newest) - OLDER), self._newest)

    async def _scan(self, client: SimulatedClient, random: Random, key: bytes, timeout: float) -> None:
        serializable, at_least = random.random() < 0.5, self._newest
        scan = client.range(key, END, page_size=random.choice(PAGE_SIZES), serializable=serializable, timeout=timeout)
        with self._acknowledged():
            rows = tuple([row async for kv in scan if (row := row_of(kv)) is not None])
        self._note(Range(key, END), rows, scan.revision, 1 if serializable else at_least, "a scan")

    @contextmanager
    def _acknowledged(self) -> Iterator[None]:
        """Within it a revision is asked for that had been acknowledged: it must not be refused as not made yet, and as
        compacted only where somebody asked for that."""
        try:
            yield
        except Compacted as refusal:
            self._cluster.trace.count("refused as compacted")
            if refusal.compact_revision > self._asked_to_compact:
                self._wrong.append(f"nobody asked to compact to {refusal.compact_revision}: {refusal}")
            raise
        except FutureRevision as refusal:
            self._wrong.append(f"what had been acknowledged was refused: {refusal}")
            raise

    def _acknowledged_by(self, time: float) -> int:
        return self._revisions[max(0, bisect_right(self._times, time) - 1)]

    def _note(self, request: Request, answer: Answer, revision: int, at_least: int, what: str) -> None:
        self._seen.append(_Seen(request, answer, revision, at_least, what))
        self._cluster.trace.count("read by strength")

    def check(self, decided: Iterable[Request]) -> None:
        """Raise Violation unless the chosen order explains every answer."""
        for wrong in self._wrong:
            raise Violation("P10", wrong)
        keyspace, states = Keyspace(), {1: 0}
        for state, command in enumerate(decided, 1):
            keyspace.apply(command)
            states.setdefault(keyspace.revision, state)
        for seen in self._seen:
            if seen.revision < seen.at_least:
                raise Violation("P10", f"{seen} is older than what had been acknowledged")
            if seen.revision not in states:
                raise Violation("P10", f"{seen} is of a revision that nobody made")
            truth = keyspace.read(seen.request, states[seen.revision])
            if truth != seen.answer:
                raise Violation("P10", f"{seen} should have answered {truth}")
