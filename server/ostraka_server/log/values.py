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
    """What the log says of a group besides its entries. Neither field ever decreases.

    `promised` is at least the ballot of every entry accepted for the group.
    """

    promised: BallotTuple = NO_BALLOT
    decided_through: int = 0


@dataclass(frozen=True, slots=True)
class RecoveredGroup:
    """A group as the log held it when it was opened: `entries` are those above `decided_through`, by slot."""

    promised: BallotTuple
    decided_through: int
    entries: list[LoggedEntry]
