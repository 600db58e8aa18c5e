"""The unary calls: the same gateway, one call at a time, with gRPC's own deadlines and errors."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from ostraka.v1.common_pb2 import SERIALIZABLE, ErrorDetail, Reason
from ostraka.v1.kv_pb2 import DeleteRequest, GetRequest, PutRequest, RangeRequest
from ostraka_server.rpc.errors import DETAIL_KEY
from ostraka_server.rpc.kv_service import KvService
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.test_gateway import LIMITS, Entrance


class Aborted(Exception):
    """What `abort` raises."""


class Context:
    """As much of a gRPC context as the service uses."""

    def __init__(self, remaining_s: float | None = None) -> None:
        self._remaining_s = remaining_s
        self.status: grpc.StatusCode | None = None
        self.message = ""
        self.detail = ErrorDetail()

    def time_remaining(self) -> float | None:
        return self._remaining_s

    async def abort(self, code: grpc.StatusCode, message: str, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.status, self.message = code, message
        ((key, value),) = metadata
        assert key == DETAIL_KEY
        self.detail = ErrorDetail.FromString(value)
        raise Aborted


def leading(clock: VirtualClock) -> tuple[Entrance, KvService]:
    entrance = Entrance(clock)
    entrance.data.lead()
    return entrance, KvService(entrance.gateway)


async def carried_out(entrance: Entrance, call: Any) -> Any:
    """The response of a write."""
    task = asyncio.create_task(call)
    await turns()
    entrance.data.turn()
    entrance.data.accept()
    return await task


async def read(entrance: Entrance, call: Any) -> Any:
    """The response of a linearizable read."""
    task = asyncio.create_task(call)
    await turns()
    entrance.data.turn()
    entrance.data.acknowledge()
    return await task


@virtual_time
async def test_each_method_answers_with_its_response(clock: VirtualClock) -> None:
    entrance, kv = leading(clock)
    put = await carried_out(entrance, kv.Put(PutRequest(key=b"k", value=b"v"), Context()))
    assert put.header.revision == 2
    get = await read(entrance, kv.Get(GetRequest(key=b"k"), Context()))
    assert get.kv.value == b"v"
    found = await read(entrance, kv.Range(RangeRequest(key=b"k", range_end=b"\0"), Context()))
    assert [each.key for each in found.kvs] == [b"k"]
    delete = await carried_out(entrance, kv.Delete(DeleteRequest(key=b"k"), Context()))
    assert delete.deleted == 1


@virtual_time
async def test_an_absent_key_is_no_error(clock: VirtualClock) -> None:
    _, kv = leading(clock)
    response = await kv.Get(GetRequest(key=b"k", strength=SERIALIZABLE), Context())
    assert not response.HasField("kv")


@virtual_time
async def test_a_refusal_is_a_status_with_its_detail(clock: VirtualClock) -> None:
    _, kv = leading(clock)
    context = Context()
    with pytest.raises(Aborted):
        await kv.Put(PutRequest(), context)
    assert context.status is grpc.StatusCode.INVALID_ARGUMENT
    assert context.detail.reason == Reason.INVALID
    assert context.detail.surely_not_done
    assert "key is empty" in context.message


@pytest.mark.parametrize(
    ("remaining_s", "answered_s"), [(None, LIMITS.default_timeout_ms / 1000), (0.5, 0.5), (1e9, 4.0)]
)
def test_the_callers_deadline_is_the_calls(remaining_s: float | None, answered_s: float) -> None:
    @virtual_time
    async def check(clock: VirtualClock) -> None:
        kv = KvService(Entrance(clock).gateway)
        context = Context(remaining_s)
        with pytest.raises(Aborted):
            await kv.Put(PutRequest(key=b"k"), context)
        assert context.status is grpc.StatusCode.DEADLINE_EXCEEDED
        assert clock.now() == pytest.approx(answered_s, abs=0.1)

    check()


@virtual_time
async def test_a_deadline_that_has_passed_is_none_but_short(clock: VirtualClock) -> None:
    kv = KvService(Entrance(clock).gateway)
    with pytest.raises(Aborted):
        await kv.Put(PutRequest(key=b"k"), Context(-1.0))
    assert clock.now() < 0.2


@virtual_time
async def test_a_caller_that_goes_away_withdraws_its_call(clock: VirtualClock) -> None:
    entrance, kv = leading(clock)
    task = asyncio.create_task(kv.Put(PutRequest(key=b"k"), Context()))
    await turns()
    assert entrance.gateway.in_flight == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert entrance.gateway.in_flight == 0
    entrance.data.turn()
    assert len(entrance.data.proposed()) == 1, "only the barrier"


@virtual_time
async def test_an_answer_that_crosses_the_callers_going_disturbs_nobody(clock: VirtualClock) -> None:
    entrance, kv = leading(clock)
    task = asyncio.create_task(kv.Put(PutRequest(key=b"k"), Context()))
    await turns()
    entrance.data.turn()
    task.cancel()
    entrance.data.accept()
    await asyncio.gather(task, return_exceptions=True)
    assert entrance.gateway.in_flight == 0
