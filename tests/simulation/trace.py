"""What happened in a run: a hash over every event, the last ones in full, and how often each kind of thing occurred."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable

from tests.simulation.recorder import Link, Recorder, State
from tests.simulation.timeline import Timeline

HASHED_AT_ONCE = 256
"""Events whose text goes into the hash together: a call for each costs a tenth of a fast run."""


class Trace:
    """Every event goes into the hash as text, so equal hashes mean equal runs. The recorder changes nothing."""

    def __init__(self, timeline: Timeline, recorder: Recorder | None = None, keep: int = 60) -> None:
        """The last `keep` events stay in `last`."""
        self.last: deque[str] = deque(maxlen=keep)
        self.counts: Counter[str] = Counter()
        self.events = 0
        self._timeline = timeline
        self._hash = hashlib.blake2b(digest_size=8)
        self._unhashed: list[str] = []
        self._recorder = recorder

    def note(self, what: str) -> None:
        """An event, told in one line that is the same in every run of the seed."""
        line = f"{self._timeline.now:.6f} {what}\n"
        self.events += 1
        self.last.append(line)
        self._unhashed.append(line)
        if len(self._unhashed) >= HASHED_AT_ONCE:
            self._hash_all()
        if self._recorder is not None:
            self._recorder.event(self._timeline.now, what)

    def strike(self, number: int, fault: str) -> None:
        """An event: a strike of the plan is carried out."""
        self.note(f"- strike {number}: {fault}")
        if self._recorder is not None:
            self._recorder.struck(self._timeline.now, number, fault)

    def count(self, name: str, times: int = 1) -> None:
        """Something of a named kind occurred: a fault class fired, a leader was elected."""
        self.counts[name] += times

    # For the recorder only: what follows is no event, since an event already tells of it.

    def message(self, source: int, target: int, arrives: float | None, what: object) -> None:
        """See `Recorder.message`."""
        if self._recorder is not None:
            self._recorder.message(self._timeline.now, source, target, arrives, what)

    def state(self, host: int, state: State, holds: bool) -> None:
        """See `Recorder.state`."""
        if self._recorder is not None:
            self._recorder.state(self._timeline.now, host, state, holds)

    def blocked(self, links: Iterable[Link], holds: bool) -> None:
        """See `Recorder.blocked`."""
        if self._recorder is not None:
            self._recorder.blocked(self._timeline.now, links, holds)

    @property
    def digest(self) -> str:
        """The event hash so far, 16 hexadecimal digits."""
        self._hash_all()
        return self._hash.hexdigest()

    def _hash_all(self) -> None:
        self._hash.update("".join(self._unhashed).encode())
        self._unhashed.clear()
