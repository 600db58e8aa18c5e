"""Ranges that are read a bite a turn: what they answer while the shard goes on, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from ostraka.v1.common_pb2 import BOUNDED, LINEARIZABLE, SERIALIZABLE, Reason
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import BY_MOD_REVISION, BY_VALUE, DESCENDING, RangeRequest
from ostraka_server.machine import EMPTY_STATE, Machine, RowFields
from ostraka_server.paxos import messages as m
from ostraka_server.shard import failures
from ostraka_server.shard.long_reads import PAGES_MAX
from ostraka_server.store import DamagedStore
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import DictBase, flush
from tests.machine.commands import compact, delete
from tests.machine.commands import entry as entry_of
from tests.shard.asking import Asked, local_get, put
from tests.shard.script import Script, new_group
from tests.shard.turner import LEADER, Turner

KEYS = 100
BITE_ROWS = 10
FILL = entry_of(*(put(b"k%03d" % number, b"old") for number in range(KEYS)))
REVISION = KEYS + 1


def filled(base: DictBase | None = None) -> Script:
    """A follower with `KEYS` keys."""
    script = Script(new_group(bite_rows=BITE_ROWS, base=base, now=lambda: script.now))
    script.led_by_2(FILL)
    return script


def sorted_range(key: bytes = b"k", **fields: Any) -> Command:
    usual = {"strength": SERIALIZABLE, "sort_target": BY_MOD_REVISION}
    return Command(range=RangeRequest(key=key, range_end=b"l", **usual | fields))


def asked(script: Script, command: Command | None = None, deadline: float = 1e9) -> Asked:
    call = Asked(command or sorted_range(without_count=True, limit=5), deadline)
    script.group.read_locally(call)
    return call


def turned(script: Script, *calls: Asked, most: int = 100) -> int:
    """How many turns it takes until all of them have their answers."""
    for number in range(most):
        if all(call.replies for call in calls):
            return number
        script.turn()
    raise AssertionError(f"no answer in {most} turns")


READS = {
    "sorted": sorted_range(),
    "sorted by value, without values": sorted_range(sort_target=BY_VALUE, keys_only=True),
    "the last ones first": sorted_range(sort_order=DESCENDING, limit=3),
    "filtered": sorted_range(sort_target=0, min_mod_revision=REVISION, without_count=True),
    "filtered from the end": sorted_range(sort_target=0, sort_order=DESCENDING, max_mod_revision=2, limit=1),
    "counted": sorted_range(sort_target=0, count_only=True),
}


@pytest.mark.parametrize("what", READS)
def test_what_is_written_meanwhile_does_not_show(what: str) -> None:
    script, undisturbed = filled(), filled()
    expected = asked(undisturbed, READS[what])
    turned(undisturbed, expected)
    call = asked(script, READS[what])
    for number in range(8):
        script.turn()
        script.led_by_2(entry_of(put(b"k000", b"new"), delete(b"k05", b"k06"), put(b"k%03dx" % number)))
    turned(script, call)
    found = call.reply.range
    found.header.ballot_round = expected.reply.range.header.ballot_round  # of who leads when it is answered
    assert found == expected.reply.range
    assert found.read_revision == found.header.revision == REVISION, "a watch that goes on from there misses nothing"


def test_a_bite_a_turn_is_what_it_costs() -> None:
    base = DictBase()
    script = filled(base)
    flush(script.group.machine, base)
    call = asked(script)
    for _ in range(KEYS // BITE_ROWS - 2):
        before = base.rows_read
        script.turn()
        assert base.rows_read - before <= 2 * (BITE_ROWS + 2)
        assert not call.replies
        assert asked(script, local_get(b"k001")).reply.get.kv.value == b"old", "others have theirs meanwhile"
    turned(script, call)
    assert [kv.key for kv in call.reply.range.kvs] == [b"k%03d" % number for number in range(5)]


def test_a_page_in_the_order_of_keys_is_had_at_once() -> None:
    call = asked(filled(), sorted_range(sort_target=0, without_count=True))
    assert len(call.reply.range.kvs) > 10


def test_a_compaction_has_a_read_of_the_present_begin_anew_and_refuses_one_of_the_past() -> None:
    script = filled()
    present, past = asked(script), asked(script, sorted_range(revision=REVISION))
    for _ in range(3):
        script.turn()
    script.led_by_2(entry_of(put(b"k000", b"new"), compact(REVISION + 1)))
    turned(script, present, past)
    assert past.error.detail.reason == Reason.COMPACTED
    assert present.reply.range.read_revision == present.reply.range.header.revision == REVISION + 1
    assert present.reply.range.kvs[0].key == b"k001", "k000 is the newest by now"


def test_a_revision_that_is_not_there_is_refused() -> None:
    script = filled()
    (early, late) = (asked(script, sorted_range(revision=revision)) for revision in (1, REVISION + 1))
    turned(script, early, late)
    assert early.reply.range.count == 0
    assert late.error.detail.reason == Reason.FUTURE_REVISION


def test_who_does_not_want_the_answer_any_more_costs_nothing_more() -> None:
    script = filled()
    call = asked(script)
    script.turn()
    assert script.group.pending_reads == 1
    call.answer(failures.withdrawn())
    assert not script.group.read_on()
    assert script.group.pending_reads == 0


def test_a_read_ends_at_its_deadline_whether_it_has_begun_or_not() -> None:
    script = filled()
    calls = [asked(script, deadline=5.0) for _ in range(PAGES_MAX + 3)]
    for _ in range(PAGES_MAX + 2):
        script.turn()
    assert script.group.waiting
    script.group.expire(4.9)
    assert not any(call.replies for call in calls)
    script.group.expire(5.0)
    assert all(call.error.detail.reason == Reason.DEADLINE and call.error.detail.surely_not_done for call in calls)
    assert not script.group.waiting


def test_short_reads_do_not_wait_for_long_ones() -> None:
    script = filled()
    long = [asked(script) for _ in range(PAGES_MAX + 2)]
    for _ in range(PAGES_MAX + 2):
        script.turn()
    short = [asked(script, sorted_range(b"k09%d" % number)) for number in range(9, 5, -1)]  # of 1, 2, 3, 4 keys
    assert turned(script, *short) <= 2
    assert not all(call.replies for call in long)
    turned(script, *long)
    assert len({call.reply.SerializeToString() for call in long}) == 1


def test_few_of_them_hold_rows_at_a_time() -> None:
    script = filled()
    calls = [asked(script) for _ in range(3 * PAGES_MAX)]
    while not all(call.replies for call in calls):
        script.turn()
        holding = [read for read in script.group._local._all() if read._walk is not None]
        assert len(holding) <= PAGES_MAX


def test_how_old_a_bounded_answer_is_counts_from_the_state_that_it_saw() -> None:
    script = filled()
    call = Asked(sorted_range(strength=BOUNDED, max_staleness_ms=100, limit=1), 1e9)
    script.group.submit(call)
    script.turn()
    script.tell_read_point(1)
    began = script.now
    while not call.replies:
        script.now += 0.25
        script.turn()
    assert call.reply.range.staleness_ms == (script.now - began) * 1000 > 1000


def test_a_leaders_read_is_confirmed_first() -> None:
    script = Script(new_group(bite_rows=BITE_ROWS))
    script.lead()
    writes = [Asked(put(b"k%02d" % number), 1e9) for number in range(50)]
    for write in writes:
        script.group.submit(write)
    script.accept()
    call = Asked(sorted_range(strength=LINEARIZABLE, limit=1), 1e9)
    script.group.submit(call)
    script.turn()
    assert not call.replies
    script.acknowledge()
    assert turned(script, call) >= 3
    assert call.reply.range.count == len(writes)


class RottenBase(DictBase):
    """Whose rows can be read a few times only."""

    def _read(self, rows: Mapping[bytes, RowFields], keys: Iterable[bytes]) -> Iterator[RowFields]:
        for row in super()._read(rows, keys):
            if self.rows_read > 25:
                raise DamagedStore("store", "as told")
            yield row


def test_reads_that_meet_damage_go_elsewhere_with_all_that_wait() -> None:
    base = RottenBase()
    script = filled(base)
    flush(script.group.machine, base)
    calls = [asked(script) for _ in range(3)]
    for _ in range(10):
        script.turn()
    assert script.group.lost
    assert sorted(map(id, script.rerouted)) == sorted(map(id, calls))
    assert not script.group.pending_reads


def test_a_snapshot_installed_meanwhile_is_gone_on_with() -> None:
    script = filled()
    call = asked(script)
    for _ in range(3):
        script.turn()
    other = Machine(DictBase(), EMPTY_STATE)
    other.apply(1, FILL)
    other.apply(2, entry_of(put(b"k000", b"new")))
    script.group.install(other, script.now)
    turned(script, call)
    assert (call.reply.range.kvs[0].value, call.reply.range.read_revision) == (b"old", REVISION)


@virtual_time
async def test_the_event_loop_has_its_turn_between_two_bites(clock: VirtualClock) -> None:
    turner = Turner(clock, new_group(bite_rows=BITE_ROWS))
    await turner.follow(FILL)
    await turner.hear(2, m.Heartbeat(LEADER, 1, 1))
    assert turner.group.machine.revision == REVISION
    for is_syncing in (False, True):
        if is_syncing:
            turner.runner.gate.clear()
            await turner.follow(b"")
        call = Asked(sorted_range(), 1e9)
        turner.group.read_locally(call)
        passed = 0
        while not call.replies:
            passed += 1
            await turns(1)
        assert passed >= KEYS // (BITE_ROWS + 1) - 1, "others could run each time"
    turner.runner.gate.set()
    await turner.stop()
