"""From times to revisions: never what was made later, and nothing missing that was made a second before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostraka.v1 import common_pb2
from ostraka_server.machine import Machine, Refused
from ostraka_server.machine.moments import POINTS_MAX, Moments
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import compact, entry, put

STAMPS = st.lists(st.integers(0, 5_000), min_size=1, max_size=30)


@given(STAMPS, st.integers(0, 6_000))
def test_a_time_leads_to_what_was_made_by_then(stamps: list[int], unix_ms: int) -> None:
    moments, made = Moments(), {}
    for revision, stamp in enumerate(stamps, 2):
        made[revision] = moments.note(stamp, revision)
    found = moments.revision_at(unix_ms)
    assert found == 1 or made[found] <= unix_ms
    assert all(revision <= found for revision, at in made.items() if at <= unix_ms - 1000)


@given(STAMPS)
def test_later_than_all_is_the_present(stamps: list[int]) -> None:
    moments = Moments()
    times = [moments.note(stamp, revision) for revision, stamp in enumerate(stamps, 2)]
    assert moments.revision_at(times[-1]) == moments.revision_at(1 << 60) == len(stamps) + 1


def test_a_clock_that_went_back_counts_as_standing_still() -> None:
    moments = Moments()
    assert [moments.note(stamp, stamp) for stamp in (9_000, 4_000, 9_500)] == [9_000, 9_000, 9_500]


@given(STAMPS, st.integers(1, 40))
def test_what_compaction_forgets_cannot_be_read_anyway(stamps: list[int], compact_revision: int) -> None:
    whole, pruned = Moments(), Moments()
    for revision, stamp in enumerate(stamps, 2):
        whole.note(stamp, revision)
        pruned.note(stamp, revision)
    pruned.prune(compact_revision)
    for unix_ms in range(0, 6_000, 100):
        revision = whole.revision_at(unix_ms)
        assert pruned.revision_at(unix_ms) == (
            revision if revision >= compact_revision else pruned.revision_at(unix_ms)
        )
        assert pruned.revision_at(unix_ms) <= max(revision, compact_revision)


def test_the_older_half_is_thinned_when_there_are_too_many() -> None:
    moments = Moments()
    for second in range(3 * POINTS_MAX):
        moments.note(second * 1000, second + 2)
    records = moments.changed()
    again = Moments()
    again.load({name: data for name, data in records.items() if data is not None})
    points = {again.revision_at(second * 1000) for second in range(3 * POINTS_MAX)}
    assert POINTS_MAX // 2 < len(points) <= POINTS_MAX
    newest = range(3 * POINTS_MAX - POINTS_MAX // 4, 3 * POINTS_MAX)
    assert all(moments.revision_at(second * 1000) == second + 2 for second in newest)


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 40), st.booleans()), max_size=30))
def test_what_changed_makes_the_same_map_again(steps: list[tuple[int, int, bool]]) -> None:
    moments, stored, oldest = Moments(), dict[bytes, bytes](), 0
    for revision, (stamp, compact_revision, saved) in enumerate(steps, 2):
        moments.note(stamp, revision)
        if oldest < compact_revision <= revision:
            oldest = compact_revision
            moments.prune(oldest)
        if saved:
            stored = _with(stored, moments)
    stored = _with(stored, moments)
    again = Moments()
    again.load(stored)
    assert not again.changed()
    for unix_ms in range(0, 3_100_000, 9_000):
        assert again.revision_at(unix_ms) == moments.revision_at(unix_ms)


def _with(stored: dict[bytes, bytes], moments: Moments) -> dict[bytes, bytes]:
    changed = moments.changed()
    gone = {name for name, data in changed.items() if data is None}
    kept = {name: data for name, data in stored.items() if name not in gone}
    return kept | {name: data for name, data in changed.items() if data is not None}


def test_a_flush_rewrites_little() -> None:
    moments = Moments()
    for second in range(10_000):
        moments.note(second * 1000, second + 2)
    moments.changed()
    moments.note(10_000_000, 10_002)
    ((_, data),) = moments.changed().items()
    assert data is not None and len(data) < 4000


def test_an_entrys_stamp_says_when_its_revisions_were_made() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(put(b"a"), put(b"a"), wall_ms=10_000))
    apply(machine, entry(wall_ms=20_000))
    apply(machine, entry(put(b"a"), wall_ms=30_000))
    for _ in range(2):
        assert [machine.revision_at(ms) for ms in (9_999, 10_000, 29_999, 30_000, 99_999)] == [1, 3, 3, 4, 4]
        if machine.unflushed_entries:
            flush(machine, base)
        machine = Machine(base, base.state)


def test_before_the_first_moment_that_is_left_all_is_compacted() -> None:
    machine = empty()
    for second in range(1, 6):
        apply(machine, entry(put(b"a"), wall_ms=1000 * second))
    apply(machine, entry(compact(4)))
    for unix_ms, expected in ((0, 1), (2_000, 1), (3_000, 4), (4_000, 5)):
        revision = machine.revision_at(unix_ms)
        assert revision == expected
        rows = machine.rows_at(revision)
        assert isinstance(rows, Refused) == (revision < 4)
        if isinstance(rows, Refused):
            assert rows.reason == common_pb2.COMPACTED


def test_the_stamp_is_in_the_digest() -> None:
    digests = set()
    for wall_ms in (1, 2):
        machine = empty()
        apply(machine, entry(put(b"a"), wall_ms=wall_ms))
        digests.add(machine.digest)
    assert len(digests) == 2
