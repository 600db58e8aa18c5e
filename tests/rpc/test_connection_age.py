"""Streams that grow old: asked to retire, served meanwhile, cut where they stay."""

from __future__ import annotations

import asyncio

import grpc

from ostraka_server.config import Limits
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.rpc.test_exchange_service import Stream, exchange_service, leading
from tests.shard.asking import local_get, put

AGING = Limits(connection_age_ms=10_000, connection_age_grace_ms=5_000, default_timeout_ms=60_000)
ASKED_BY_S, CUT_BY_S = 12.0, 17.0


@virtual_time
async def test_an_old_stream_is_asked_once_to_retire_and_serves_on(clock: VirtualClock) -> None:
    entrance = leading(clock)
    stream = Stream(entrance, exchange_service(entrance, AGING))
    await clock.sleep(10.0)
    assert stream.asked_to_retire == 0
    await clock.sleep(ASKED_BY_S - 10.0)
    await stream.send(put())
    stream.entrance.data.turn()
    stream.entrance.data.accept()
    await stream.send(local_get(), first_id=2)
    await stream.half_close()
    await stream.task
    assert [stream.replies[i].WhichOneof("result") for i in (1, 2)] == ["put", "get"]
    assert stream.asked_to_retire == 1


@virtual_time
async def test_a_client_that_does_not_leave_is_cut_after_the_grace(clock: VirtualClock) -> None:
    entrance = leading(clock)
    service = exchange_service(entrance, AGING)
    stream = Stream(entrance, service)
    await clock.sleep(ASKED_BY_S)
    await stream.send(put())
    assert not stream.task.done()
    await clock.sleep(CUT_BY_S - ASKED_BY_S)
    assert stream.status is not None
    assert stream.status[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "connection_age_grace_ms (5000 ms)" in stream.status[1]
    assert not stream.detail.surely_not_done, "nobody knows what becomes of the put"
    assert (service.streams, service.streams_cut, entrance.gateway.in_flight) == (0, 1, 0)
    await asyncio.gather(stream.task, return_exceptions=True)


@virtual_time
async def test_streams_retire_at_various_ages(clock: VirtualClock) -> None:
    entrance = leading(clock)
    service = exchange_service(entrance, AGING)
    streams = [Stream(entrance, service) for _ in range(100)]
    await clock.sleep((11.0 + ASKED_BY_S) / 2)
    assert 25 < sum(stream.asked_to_retire for stream in streams) < 75
    for stream in streams:
        await stream.stop()
