"""How much of a group's log is kept, for replicas that were away: beyond it they take a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Held(Protocol):
    """How much a log holds of a group."""

    @property
    def entries(self) -> int: ...
    @property
    def bytes(self) -> int: ...


class HoldingLog(Protocol):
    """The acceptor log, as far as it can be asked at any time, also while it is being flushed."""

    def held(self, group: int) -> Held: ...
    def base(self, group: int) -> int: ...


class Retention:
    """One group's. Once the log holds too much, half of what it may hold is kept: it is truncated now and then only."""

    def __init__(
        self,
        group: int,
        log: HoldingLog,
        *,
        entries_max: int,
        bytes_max: int,
        needed_from: Callable[[], int | None],
        truncate: Callable[[int, int], None],
    ) -> None:
        """`needed_from`: the slot whose successors somebody will need; None if nobody does."""
        self._group = group
        self._log = log
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._needed_from = needed_from
        self._truncate = truncate

    @property
    def surplus(self) -> int:
        """How many of its oldest entries the log need not hold, all entries taken for equally long; 0 within limits."""
        held = self._log.held(self._group)
        share = min(self._entries_max / max(1, held.entries), self._bytes_max / max(1, held.bytes))
        return 0 if share >= 1 else held.entries - int(held.entries * share / 2)

    def truncate_behind(self, durable: int) -> None:
        """The store is durable through `durable`: let go of the surplus, as far as that goes."""
        base = min(self._log.base(self._group) + self.surplus, durable)
        needed_from = self._needed_from()
        if needed_from is not None:
            base = min(base, needed_from)
        if base > self._log.base(self._group):
            self._truncate(self._group, base)
