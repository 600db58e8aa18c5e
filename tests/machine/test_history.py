"""The past: compared with copies of everything, at every revision, wherever its rows lie."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import RangeRequest
from ostraka_server.machine import CompactResult, Delta, Machine, Refused, Result, Row, Rows, read
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import compact, delete, entry, put

KEYS = st.sampled_from([b"a", b"b", b"b\0", b"c", b"d", b"\xff"])
COMMANDS = st.one_of(
    st.builds(put, KEYS, st.binary(max_size=2)),
    st.builds(delete, KEYS, st.sampled_from([b"", b"c", b"e", b"\0"])),
)


def at(machine: Machine, revision: int) -> Rows:
    rows = machine.rows_at(revision)
    assert not isinstance(rows, Refused), rows
    return rows


def whole(rows: Rows) -> dict[bytes, Row]:
    with rows.scan(b"\0", None, values=True) as found:
        ascending = list(found)
    with rows.scan(b"\0", None, values=True, descending=True) as found:
        assert list(found) == ascending[::-1]
    return {row.key: row for row in ascending}


class WholeCopies(RuleBasedStateMachine):
    """After each write all rows are copied, from the machine's own present, which other tests hold to etcd's. What the
    past shows must be the copy, whatever was flushed, committed, compacted and reclaimed since."""

    @initialize(cache=st.sampled_from([0, 1 << 20]))
    def begin(self, cache: int) -> None:
        self.base = DictBase()
        self.cache = cache
        self.machine = Machine(self.base, self.base.state, cache_bytes_max=cache)
        self.copies: dict[int, dict[bytes, Row]] = {1: {}}
        self.log: list[bytes] = []
        self.delta: Delta | None = None
        self.committed = True

    def _apply(self, command: Command) -> Result:
        self.log.append(entry(command))
        (result,) = apply(self.machine, self.log[-1])
        return result

    @rule(commands=st.lists(COMMANDS, min_size=1, max_size=4))
    def write(self, commands: list[Command]) -> None:
        for command in commands:
            self._apply(command)
            self.copies[self.machine.revision] = whole(self.machine.rows)

    @precondition(lambda self: self.delta is None)
    @rule()
    def begin_flush(self) -> None:
        self.delta = self.machine.begin_flush()
        self.committed = False

    @precondition(lambda self: self.delta is not None)
    @rule()
    def commit(self) -> None:
        """Twice, where hypothesis says so: whoever does not know whether a write was completed repeats it."""
        assert self.delta is not None
        self.base.write(self.delta)
        self.committed = True

    @precondition(lambda self: self.delta is not None and self.committed)
    @rule()
    def end_flush(self) -> None:
        self.machine.end_flush()
        self.delta = None

    @rule()
    def restart(self) -> None:
        """From what is committed; what followed is applied once more, and meanwhile the past is as right as ever."""
        self.machine = Machine(self.base, self.base.state, cache_bytes_max=self.cache)
        self.delta = None
        for slot in range(self.machine.applied_slot + 1, len(self.log) + 1):
            self._check(self.machine.compact_revision or 1)
            self.machine.apply(slot, self.log[slot - 1])

    def _check(self, revision: int) -> None:
        if revision <= self.machine.revision:
            assert whole(at(self.machine, revision)) == self.copies[revision]

    @rule(revision=st.integers(0, 30))
    def compact(self, revision: int) -> None:
        before, current = self.machine.compact_revision, self.machine.revision
        result = self._apply(compact(revision))
        if before < revision <= current:
            assert result == CompactResult(current)
        else:
            assert isinstance(result, Refused)
            assert result.reason == (common_pb2.COMPACTED if revision <= before else common_pb2.FUTURE_REVISION)

    @rule()
    def reclaim(self) -> None:
        self.base.reclaim(self.machine.reclaimable_revision, 1000)

    @invariant()
    def every_revision_shows_what_it_was(self) -> None:
        oldest = self.machine.compact_revision
        for revision, copy in ((each, copy) for each, copy in self.copies.items() if each >= oldest):
            rows = at(self.machine, revision)
            assert whole(rows) == copy
            assert {key: row for key in (b"a", b"b", b"b\0", b"zz") if (row := rows.get(key))} == {
                key: row for key, row in copy.items() if key in (b"a", b"b", b"b\0")
            }
            assert rows.count(b"b", b"d") == sum(b"b" <= key < b"d" for key in copy)
            with rows.scan(b"b", b"d", values=False) as found:
                assert list(found) == [row._replace(value=b"") for key, row in copy.items() if b"b" <= key < b"d"]

    @invariant()
    def all_else_is_refused(self) -> None:
        for revision in (self.machine.compact_revision - 1, self.machine.revision + 1):
            if revision > 0:
                assert isinstance(self.machine.rows_at(revision), Refused)


TestHistory = WholeCopies.TestCase
TestHistory.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_the_present_is_what_revision_0_means() -> None:
    machine = empty()
    apply(machine, entry(put(b"a", b"1"), put(b"a", b"2")))
    for revision in (0, machine.revision):
        row = at(machine, revision).get(b"a")
        assert row is not None and row.value == b"2"


@pytest.mark.parametrize("compacted", [3, 4])
def test_the_compacted_revision_itself_can_be_read(compacted: int) -> None:
    machine = empty()
    apply(machine, entry(*(put(b"a", b"%d" % number) for number in range(2, 6))))
    apply(machine, entry(compact(compacted)))
    refused = machine.rows_at(compacted - 1)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.compact_revision) == (common_pb2.COMPACTED, compacted)
    row = at(machine, compacted).get(b"a")
    assert row is not None and row.value == b"%d" % compacted


def test_what_was_given_up_already_is_told_without_a_contradiction() -> None:
    machine = empty()
    apply(machine, entry(put(b"a"), compact(2)))
    (refused,) = apply(machine, entry(compact(2)))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.compact_revision) == (common_pb2.COMPACTED, 2)
    assert refused.message == "what is before revision 2 was given up already: the oldest that can be read is 2"


def test_a_revision_to_come_is_refused_as_such() -> None:
    machine = empty()
    apply(machine, entry(put(b"a")))
    refused = machine.rows_at(3)
    assert isinstance(refused, Refused) and refused.reason == common_pb2.FUTURE_REVISION


def test_what_compaction_has_made_garbage_is_not_written() -> None:
    machine = empty()
    apply(machine, entry(*(put(b"a", b"%d" % number) for number in range(2, 8))))
    apply(machine, entry(compact(5)))
    delta = machine.begin_flush()
    assert delta is not None
    assert [past[1] for past in delta.past] == [b"5", b"6"]


def test_rows_that_ended_come_by_ascending_end() -> None:
    machine = empty()
    apply(machine, entry(put(b"b"), put(b"a"), put(b"b"), delete(b"a", b"c"), put(b"a"), put(b"a")))
    delta = machine.begin_flush()
    assert delta is not None
    assert [(past[0], past[5]) for past in delta.past] == [(b"b", 4), (b"a", 5), (b"b", 5), (b"a", 7)]


def test_a_page_of_the_past_is_right_in_the_middle_of_later_writes() -> None:
    """A scan goes on page by page while others write."""
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(*(put(b"%04d" % number) for number in range(1000))))
    revision = machine.revision
    flush(machine, base)
    apply(machine, entry(*(put(b"%04d" % number, b"new") for number in range(1000))))
    found = read(at(machine, revision), RangeRequest(key=b"0500", range_end=b"\0", limit=10), 1 << 20)
    assert [row.value for row in found.rows] == [b""] * 10
    assert (found.rows[0].key, found.more, found.count) == (b"0500", True, 500)


def test_compaction_outlives_a_restart() -> None:
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(put(b"a"), put(b"a"), compact(2)))
    flush(machine, base)
    again = Machine(base, base.state)
    assert again.compact_revision == 2
    assert again.begin_flush() is None


def test_what_a_restart_could_still_be_asked_for_is_not_reclaimed() -> None:
    """The compaction is applied, and not in the checkpoint yet: who starts from there has not heard of it."""
    base = DictBase()
    machine = Machine(base, base.state)
    apply(machine, entry(put(b"a", b"old"), put(b"a", b"new")))
    flush(machine, base)
    apply(machine, entry(compact(3)))
    delta = machine.begin_flush()
    assert delta is not None
    assert machine.reclaimable_revision == 0
    base.reclaim(machine.reclaimable_revision, 1000)
    row = at(Machine(base, base.state), 2).get(b"a")
    assert row is not None and row.value == b"old"
    base.write(delta)
    machine.end_flush()
    assert machine.reclaimable_revision == Machine(base, base.state).reclaimable_revision == 3
