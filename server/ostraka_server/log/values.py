"""What goes into the log and comes out of it. A ballot is a plain tuple: the log only stores and compares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BallotTuple = tuple[int, int, int]
"""(epoch, round, replica), each in [0, 2**64); ordered as tuples are."""

NO_BALLOT: BallotTuple = (0, 0, 0)


class LoggedEntry(NamedTuple):
    """What one group accepted for one slot."""

    slot: int
    ballot: BallotTuple
    payload: bytes


class GroupState(NamedTuple):
    """What the log says of a group besides its entries. No field ever decreases.

    1. `promised` is at least the ballot of every entry accepted for the group.
    2. Slots through `base`, which are decided, have been truncated: their effects are durable elsewhere.
    """

    promised: BallotTuple = NO_BALLOT
    decided_through: int = 0
    base: int = 0


class FaultySlot(NamedTuple):
    """A slot whose entry was accepted and cannot be read any more: its ballot, and the hash of its payload."""

    slot: int
    ballot: BallotTuple
    hash: bytes


class Held(NamedTuple):
    """How much of a group a log holds: entries above its base, and their bytes on the disk."""

    entries: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class RecoveredGroup:
    """A group as the log held it when it was opened.

    `entries` are the readable ones above `decided_through`, by slot; `faulty` are all others above `base`.
    """

    promised: BallotTuple
    decided_through: int
    base: int
    entries: list[LoggedEntry]
    faulty: tuple[FaultySlot, ...] = ()
