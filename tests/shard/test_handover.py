"""Handing leadership on: done, refused, or given up in time."""

from __future__ import annotations

import asyncio

import pytest

from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Heartbeat, HeartbeatAck, TakeOver
from ostraka_server.shard.handover import hand_over, transfer, within
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.script import Script, new_group


def leading() -> Script:
    script = Script()
    script.lead()
    return script


def nothing() -> None:
    """For tests that turn by hand."""


@virtual_time
async def test_it_is_over_when_the_target_is_heard_as_leader(clock: VirtualClock) -> None:
    script = leading()
    await clock.sleep(script.now)
    moving = asyncio.create_task(transfer(script.group, 2, clock, 10.0, nothing))
    await turns()
    script.turn()
    nonce = max(message.nonce for message in script.sent if isinstance(message, Heartbeat))
    script.hear(2, HeartbeatAck(script.ballot, nonce, script.group.replica.decided_through))
    script.turn()
    assert TakeOver(script.ballot) in script.sent
    assert not moving.done()
    script.hear(2, Heartbeat(Ballot(1, script.ballot.round + 1, 2), 1, 0))
    script.turn()
    assert await moving is None
    assert script.group.listeners == []


@virtual_time
async def test_who_leads_already_needs_nothing(clock: VirtualClock) -> None:
    script = Script()
    script.hear(2, Heartbeat(Ballot(1, 1, 2), 1, 0))
    script.turn()
    assert await transfer(script.group, 2, clock, 10.0, nothing) is None


@virtual_time
async def test_a_leader_that_does_not_serve_says_so(clock: VirtualClock) -> None:
    script = Script()
    script.elect()
    why = await transfer(script.group, 2, clock, 10.0, nothing)
    assert why is not None
    assert "not serving" in why
    assert script.group.listeners == []


@virtual_time
async def test_a_target_that_does_not_answer_is_given_up_at_the_deadline(clock: VirtualClock) -> None:
    script = leading()
    why = await transfer(script.group, 3, clock, 2.0, nothing)
    assert why is not None
    assert "in time" in why
    assert clock.now() == 2.0
    assert script.group.leads


@virtual_time
async def test_handing_over_tries_the_others_in_turn(clock: VirtualClock) -> None:
    script = leading()
    tried: list[int] = []

    def wake() -> None:
        lead = script.group.replica._leadership
        assert lead is not None and lead.transfer is not None
        tried.append(lead.transfer.target)
        lead.transfer = None  # it timed out, as the replica sees it
        if tried == [2, 3, 2]:
            script.deposed()

    await hand_over(script.group, clock, wake)
    assert tried == [2, 3, 2]
    assert not script.group.leads


@virtual_time
async def test_who_does_not_lead_or_is_alone_has_nothing_to_hand_over(clock: VirtualClock) -> None:
    await hand_over(Script().group, clock, nothing)
    alone = Script(new_group(members=1))
    alone.now = alone.group.deadline
    for _ in range(4):
        alone.turn()
    assert alone.group.leads
    await hand_over(alone.group, clock, nothing)
    assert clock.now() == 0.0


@virtual_time
async def test_work_in_time_is_done_and_its_error_is_raised(clock: VirtualClock) -> None:
    async def fail() -> None:
        raise KeyError("why")

    assert await within(clock, 1.0, clock.sleep(0.5))
    with pytest.raises(KeyError, match="why"):
        await within(clock, 1.0, fail())


@virtual_time
async def test_work_that_takes_too_long_is_cancelled(clock: VirtualClock) -> None:
    ended: list[float] = []

    async def work() -> None:
        try:
            await clock.sleep(5.0)
        finally:
            ended.append(clock.now())

    assert not await within(clock, 1.0, work())
    assert ended == [1.0]


@virtual_time
async def test_who_is_cancelled_while_waiting_takes_the_work_along(clock: VirtualClock) -> None:
    ended: list[float] = []

    async def work() -> None:
        try:
            await clock.sleep(5.0)
        finally:
            ended.append(clock.now())

    waiting = asyncio.create_task(within(clock, 9.0, work()))
    await turns()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await turns()
    assert ended == [0.0]
