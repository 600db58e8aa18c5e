"""When history is given up, and who does it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from ostraka.v1.exchange_pb2 import Command
from ostraka_server.machine import Machine
from ostraka_server.shard.compaction import LOOK_S, Compactor, due
from ostraka_server.wire.entry_pb2 import Entry as EntryPayload
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.machine.bases import apply, empty
from tests.machine.commands import compact, entry, put
from tests.shard.script import Script, StoppedWall

NOW = StoppedWall().unix_ms()


@dataclass(frozen=True)
class Kept:
    age_ms: int = 0
    revisions: int = 0


def grown(revisions: int, *, first_ms: int = 1000, step_ms: int = 1000, compacted: int = 0) -> Machine:
    """A shard whose revisions 2 to so many more were made one after the other."""
    machine = empty()
    for number in range(revisions):
        apply(machine, entry(put(b"a"), wall_ms=first_ms + number * step_ms))
    if compacted:
        apply(machine, entry(compact(compacted)))
    return machine


@pytest.mark.parametrize(
    ("kept", "unix_ms", "expected"),
    [
        (Kept(), 1 << 50, None),  # nothing is given up
        (Kept(revisions=60), 0, 41),
        (Kept(revisions=99), 0, None),  # it is not worth it for one in a hundred
        (Kept(revisions=91), 0, None),
        (Kept(revisions=90), 0, 11),
        (Kept(revisions=1000), 0, None),  # there are not so many
        (Kept(age_ms=30_000), 100_000, 71),
        (Kept(age_ms=95_000), 100_000, None),
        (Kept(age_ms=100_000), 100_000, None),
        (Kept(age_ms=200_000), 100_000, None),  # nothing is so old
        (Kept(age_ms=1), 1 << 50, 101),  # the newest state can always be read
        (Kept(age_ms=30_000, revisions=60), 100_000, 71),  # both must hold for what is kept
        (Kept(age_ms=80_000, revisions=60), 100_000, 41),
    ],
)
def test_what_is_old_or_far_back_is_given_up_once_it_is_worth_it(
    kept: Kept, unix_ms: int, expected: int | None
) -> None:
    assert due(grown(100), unix_ms, kept) == expected


def test_what_is_given_up_already_is_not_given_up_again() -> None:
    machine = grown(100, compacted=41)
    assert due(machine, 0, Kept(revisions=60)) is None
    for _ in range(6):
        apply(machine, entry(put(b"a")))
    assert due(machine, 0, Kept(revisions=60)) is None
    apply(machine, entry(put(b"a")))
    assert due(machine, 0, Kept(revisions=60)) == 48


def test_a_new_shard_has_nothing_to_give_up() -> None:
    assert due(empty(), 1 << 50, Kept(age_ms=1, revisions=1)) is None


def proposed(script: Script) -> list[Command]:
    entries = [EntryPayload.FromString(each.payload) for each in script.proposed() if each.payload]
    return [Command.FromString(command) for each in entries for command in each.commands]


def filled() -> Script:
    """A replica whose state has ten revisions, of which it may keep five."""
    script = Script()
    script.led_by_2(*(entry(put(b"a"), wall_ms=NOW) for _ in range(10)))
    return script


@virtual_time
async def test_a_leader_proposes_a_compaction(clock: VirtualClock) -> None:
    script, wakes = filled(), []
    compactor = Compactor(script.group, Kept(revisions=5), clock, StoppedWall(), lambda: wakes.append(clock.now()))
    running = asyncio.create_task(compactor.run())
    await clock.sleep(LOOK_S + 1)
    assert not wakes, "somebody else leads"
    script.lead()
    await clock.sleep(LOOK_S)
    script.accept()
    assert proposed(script) == [compact(6)]
    assert script.group.machine.compact_revision == 6
    assert wakes == [2 * LOOK_S]
    await clock.sleep(3 * LOOK_S)
    script.accept()
    assert len(proposed(script)) == 1, "there is nothing more to give up"
    running.cancel()
    await turns()


@virtual_time
async def test_one_that_is_not_decided_is_given_up_before_the_next(clock: VirtualClock) -> None:
    script = filled()
    script.lead()
    running = asyncio.create_task(Compactor(script.group, Kept(revisions=5), clock, StoppedWall(), lambda: None).run())
    for _ in range(4):
        await clock.sleep(LOOK_S)
        script.group.expire(clock.now())
    assert script.group.queued_writes <= 1
    running.cancel()
    await turns()
