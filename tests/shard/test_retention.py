"""How much of a log is kept."""

from __future__ import annotations

import pytest

from ostraka_server.log import Held
from ostraka_server.shard.retention import Retention

GROUP = 5


class HoldingLog:
    """Entries of equal length above a base."""

    def __init__(self, base: int, entries: int, entry_bytes: int) -> None:
        self._base, self._held = base, Held(entries, entries * entry_bytes)

    def held(self, group: int) -> Held:
        assert group == GROUP
        return self._held

    def base(self, group: int) -> int:
        return self._base


def truncated(
    base: int, entries: int, durable: int, *, entry_bytes: int = 1, needed_from: int | None = None
) -> list[tuple[int, int]]:
    """Where a log is truncated of which 100 entries and 1,000 bytes are kept."""
    done: list[tuple[int, int]] = []
    retention = Retention(
        GROUP,
        HoldingLog(base, entries, entry_bytes),
        entries_max=100,
        bytes_max=1000,
        needed_from=lambda: needed_from,
        truncate=lambda group, to: done.append((group, to)),
    )
    assert bool(retention.surplus) == (entries > 100 or entries * entry_bytes > 1000)
    retention.truncate_behind(durable)
    return done


@pytest.mark.parametrize(("entries", "entry_bytes"), [(0, 1), (100, 1), (10, 100)])
def test_within_both_limits_all_is_kept(entries: int, entry_bytes: int) -> None:
    assert truncated(7, entries, 1000, entry_bytes=entry_bytes) == []


def test_beyond_a_limit_half_of_what_it_allows_is_kept() -> None:
    assert truncated(7, 200, 1000) == [(GROUP, 7 + 150)]
    assert truncated(7, 20, 1000, entry_bytes=100) == [(GROUP, 7 + 15)]


def test_never_past_what_the_store_has_or_somebody_needs() -> None:
    assert truncated(7, 200, 60) == [(GROUP, 60)]
    assert truncated(7, 200, 1000, needed_from=40) == [(GROUP, 40)]
    assert truncated(7, 200, 7) == []
    assert truncated(7, 200, 1000, needed_from=7) == []
