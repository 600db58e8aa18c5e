"""Frames of calls that a node cannot take: refused whole, unread, at next to no cost."""

from __future__ import annotations

import pytest

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import ExchangeRequest
from ostraka_server.rpc.intake import Intake
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.rpc.test_exchange_service import Stream, leading
from tests.shard.asking import put
from tests.shard.test_gateway import LIMITS

FULL = LIMITS.calls_in_flight_max


@virtual_time
async def test_a_frame_that_finds_the_node_full_is_refused_call_by_call(clock: VirtualClock) -> None:
    entrance = leading(clock)
    full, late = Stream(entrance), Stream(entrance)
    await full.send(*[put()] * FULL)
    await late.send(*[put()] * 3, first_id=2**40)
    assert sorted(late.replies) == [2**40, 2**40 + 1, 2**40 + 2]
    for reply in late.replies.values():
        assert (reply.error.detail.reason, reply.error.detail.surely_not_done) == (Reason.OVERLOADED, True)
        assert "calls_in_flight_max" in reply.error.message
    assert entrance.gateway.in_flight == FULL
    assert entrance.gateway.tally.refusals[Reason.OVERLOADED] == 3
    await full.stop()
    await late.stop()


@virtual_time
async def test_a_frame_that_is_refused_still_withdraws_what_it_cancels(clock: VirtualClock) -> None:
    entrance = leading(clock)
    stream = Stream(entrance)
    await stream.send(*[put()] * FULL)
    frame = ExchangeRequest(cancel=[1])
    frame.calls.add(id=FULL + 1, command=put())
    await stream.send_raw(frame.SerializeToString())
    assert stream.replies[FULL + 1].HasField("error")
    assert entrance.gateway.in_flight == FULL - 1
    await stream.stop()


@virtual_time
async def test_refusals_wait_for_no_share_of_a_turn(clock: VirtualClock) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("a refused frame entered")

    entrance = leading(clock)
    full, late = Stream(entrance), Stream(entrance)
    await full.send(*[put()] * FULL)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Intake, "enter", never)
        await late.send(put())
    await turns()
    assert late.replies[1].HasField("error")
    await full.stop()
    await late.stop()
