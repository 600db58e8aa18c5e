"""What happened in a run: a hash over every event, the last ones in full, and how often each kind of thing occurred."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable

from tests.simulation.timeline import Timeline


class Trace:
    """Every event goes into the hash as text, so equal hashes mean equal runs."""

    def __init__(self, timeline: Timeline, echo: Callable[[str], object] | None = None, keep: int = 60) -> None:
        """`echo` gets each event as it happens; the last `keep` stay in `last`."""
        self.last: deque[str] = deque(maxlen=keep)
        self.counts: Counter[str] = Counter()
        self.events = 0
        self._timeline = timeline
        self._hash = hashlib.blake2b(digest_size=8)
        self._echo = echo

    def note(self, what: str) -> None:
        """An event, told in one line that is the same in every run of the seed."""
        line = f"{self._timeline.now:.6f} {what}\n"
        self.events += 1
        self._hash.update(line.encode())
        self.last.append(line)
        if self._echo is not None:
            self._echo(line)

    def count(self, name: str) -> None:
        """Something of a named kind occurred: a fault class fired, a leader was elected."""
        self.counts[name] += 1

    @property
    def digest(self) -> str:
        """The event hash so far, 16 hexadecimal digits."""
        return self._hash.hexdigest()
