"""What a new leader has to propose again: the heart of Paxos, on one page and free of state.

A promise says of each slot what was accepted there last: an entry, or nothing. Of a faulty slot it only says at which
ballot; that is neither. Such a slot may be filled in three cases:

1. a quorum says definitely what it accepted: then whoever else did does not matter;
2. an entry of the faulty one's ballot or a higher one is reported: then the highest ballot is known, payload and all
   (there is one payload for a slot and ballot);
3. every member has promised: what was chosen was accepted by a quorum, and not every copy of it is lost; so the highest
   entry that is reported is the chosen one, if any is.

Until then the candidate goes on collecting promises.
"""

from __future__ import annotations

from collections.abc import Collection

from ostraka_server.paxos.messages import Promise
from ostraka_server.paxos.values import NO_OP, Entry


def adopt(promises: Collection[Promise], first: int) -> list[tuple[int, bytes]]:
    """Slots and payloads to propose from `first` on: per slot the highest ballot's payload, a no-op for a hole.

    `promises` are those of a quorum, none of which leaves a slot open, and `first` is above what any of them knows
    decided. Lamport, "Paxos Made Simple", section 2.2 (P2c); holes: section 3.
    """
    assert all(promise.decided_through < first for promise in promises)
    highest = _highest(promises, first)
    faulty = (each.slot for promise in promises for each in promise.faulty)
    last = max((*highest, *faulty), default=first - 1)
    return [(slot, highest[slot].payload if slot in highest else NO_OP) for slot in range(first, last + 1)]


def open_slots(promises: Collection[Promise], first: int, members: int, quorum: int) -> list[int]:
    """The slots from `first` on of which these promises do not tell what may have been chosen."""
    if len(promises) == members:
        return []
    highest = _highest(promises, first)
    faulty = [each for promise in promises for each in promise.faulty if each.slot >= first]
    unknown = {each.slot for each in faulty if each.slot not in highest or highest[each.slot].ballot < each.ballot}
    reports = [each.slot for each in faulty]
    return sorted(slot for slot in unknown if len(promises) - reports.count(slot) < quorum)


def _highest(promises: Collection[Promise], first: int) -> dict[int, Entry]:
    highest: dict[int, Entry] = {}
    for promise in promises:
        for entry in promise.accepted:
            known = highest.get(entry.slot)
            if entry.slot >= first and (known is None or entry.ballot > known.ballot):
                highest[entry.slot] = entry
    return highest
