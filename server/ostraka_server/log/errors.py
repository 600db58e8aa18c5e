"""What can go wrong with the log, and what its caller does about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ostraka_server.log.values import NO_BALLOT, BallotTuple

DamageKind = Literal["entry", "footer", "batch", "mark", "header", "segment"]


class Damage(NamedTuple):
    """One thing that the log once had and cannot read any more.

    `group`, `slot`, `ballot` and the payload's `hash` are given for an "entry" only. "footer", "mark" and "header"
    are the log's own bookkeeping; "batch" is entries that no readable list names any more; "segment" is a whole file.
    """

    kind: DamageKind
    segment: int
    offset: int
    group: int = 0
    slot: int = 0
    ballot: BallotTuple = NO_BALLOT
    hash: bytes = b""

    def __str__(self) -> str:
        what: str = self.kind
        if self.kind == "entry":
            what = f"entry of group {self.group}, slot {self.slot}, ballot {'.'.join(map(str, self.ballot))}"
        return f"{what} (segment {self.segment}, offset {self.offset})"


class LogError(Exception):
    """Any refusal of the log. The node stops: it must not answer for what it cannot remember."""


class LogCorrupt(LogError):
    """Something that may have been acknowledged is unreadable, and nothing says what it was: the replica is lost.

    `damaged` names what is known of it.
    """

    def __init__(self, damaged: Sequence[Damage]) -> None:
        self.damaged = tuple(damaged)
        named = "; ".join(map(str, self.damaged[:4]))
        more = f" and {len(self.damaged) - 4} more" if len(self.damaged) > 4 else ""
        super().__init__(
            f"the acceptor log is damaged: {named}{more}. Keep this directory as it is and do not start from an "
            "older copy of it. The other replicas hold the data: while a majority of them serves, `ostraka dump` "
            "it from there and load it into a new cluster."
        )


class EntryDamaged(LogError):
    """An entry that was readable when the log was opened is not any more. The next `open` reports its slot faulty."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(
            f"the acceptor log is damaged: {damage}. Start the node again: it will repair the entry from the others"
        )


class LogRefused(LogError):
    """The directory, or what is asked of the log, is not for this node or this version; nothing was changed."""


class LogFailed(LogError):
    """A read, write or sync failed, or the log is closed. The log is dead: nothing is retried, every call raises."""
