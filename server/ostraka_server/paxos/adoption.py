"""What a new leader has to propose again: the heart of Paxos, on one page and free of state."""

from __future__ import annotations

from collections.abc import Iterable

from ostraka_server.paxos.messages import Promise
from ostraka_server.paxos.values import NO_OP, Entry


def decided_through(promises: Iterable[Promise]) -> int:
    """The end of the longest decided prefix that any promiser knows. Nothing at or below it may be proposed."""
    return max(promise.decided_through for promise in promises)


def adopt(promises: Iterable[Promise], first: int) -> list[tuple[int, bytes]]:
    """Slots and payloads to propose from `first` on: per slot the highest ballot's payload, a no-op for a hole.

    `promises` are those of a quorum, and `first` is above what any of them knows decided.
    Lamport, "Paxos Made Simple", section 2.2 (P2c); holes: section 3.
    """
    highest: dict[int, Entry] = {}
    for promise in promises:
        assert promise.decided_through < first
        for entry in promise.accepted:
            known = highest.get(entry.slot)
            if entry.slot >= first and (known is None or entry.ballot > known.ballot):
                highest[entry.slot] = entry
    last = max(highest, default=first - 1)
    return [(slot, highest[slot].payload if slot in highest else NO_OP) for slot in range(first, last + 1)]
