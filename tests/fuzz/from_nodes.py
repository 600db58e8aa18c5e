"""What the SDK takes from nodes: frames of replies, answers to unary calls, the detail of errors."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import grpc
from google.protobuf.message import DecodeError

from ostraka._balancing import policy
from ostraka._grpc import DETAIL_KEY, _error
from ostraka._routing import Router
from ostraka._transport import TransportError
from ostraka.aio import Client
from ostraka.errors import OstrakaError, Status, from_wire, to_wire
from ostraka.v1.cluster_pb2 import MembersResponse, ShardsResponse, StatusResponse
from ostraka.v1.common_pb2 import NOT_LEADER, ErrorDetail
from ostraka.v1.exchange_pb2 import ExchangeResponse
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.fuzz.decoder import Decoder
from tests.fuzz.traffic import Traffic

TIMEOUT_S = 0.5
ENDPOINT = "n1:7401"


def decoders(traffic: Traffic) -> list[Decoder]:
    detail = ErrorDetail(reason=NOT_LEADER, leader_node="n2", leader_address="n2:7401", retry_after_ms=5)
    answers, refusals = traffic.samples("response"), (OstrakaError,)
    unary = ("ostraka._caller:Caller._unary",)
    return [
        Decoder(
            "frame of replies", ("ostraka._exchange:Exchange._read",), _replies, traffic.samples("replies"),
            shape=ExchangeResponse,
        ),
        Decoder("layout to route by", unary, _look, answers, shape=ShardsResponse, share=3),
        Decoder("members to route by", unary, _look, answers, shape=MembersResponse, share=3),
        Decoder("status", unary, _status, answers, refusals, StatusResponse, share=3),
        Decoder(
            "detail of an error", ("ostraka._grpc:_error",), _detail, [detail.SerializeToString()], shape=ErrorDetail
        ),
    ]  # fmt: skip


class _Stream:
    """Answers the first frame of calls with the case, then every one with silence."""

    def __init__(self, answer: bytes) -> None:
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._answer = answer

    async def send(self, frame: bytes) -> None:
        self._inbox.put_nowait(self._answer)

    async def receive(self) -> bytes:
        return await self._inbox.get()

    def close(self) -> None: ...


class _Node:
    """An `ostraka._transport.Transport` to one node, whatever the address; it says the same to everything."""

    def __init__(self, reply: bytes | None, answer: bytes | None) -> None:
        self._reply = reply
        self._answer = answer

    async def open(self, address: str) -> _Stream:
        if self._reply is None:
            raise TransportError(to_wire(Status.UNAVAILABLE, "no streams here"))
        return _Stream(self._reply)

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        if self._answer is None:
            raise TransportError(to_wire(Status.UNAVAILABLE, "no unary calls here"))
        return self._answer

    async def close(self) -> None: ...


def _client(node: _Node, clock: VirtualClock) -> Client:
    return Client(ENDPOINT, timeout=TIMEOUT_S, _transport=node, _clock=clock, _random=Random(1))


async def _use(client: Client) -> None:
    """Every kind of call, one after the other: each returns or raises an OstrakaError."""
    for call in (client.get("k"), client.put("k", "v", prev=True), client.delete(prefix="k"), client.count()):
        with suppress(OstrakaError):
            await call
    with suppress(OstrakaError):
        async for _ in client.range(prefix="k", limit=5):
            pass


def _replies(frame: bytes) -> None:
    """As it came, and as an answer to each of five calls."""
    try:
        replies = ExchangeResponse.FromString(frame)
    except DecodeError:
        answering = frame
    else:
        for place, reply in enumerate(replies.replies, 1):
            reply.id = place % 5
        answering = replies.SerializeToString()

    @virtual_time
    async def use(clock: VirtualClock) -> None:
        client = _client(_Node(answering, None), clock)
        await _use(client)
        await client.close()

    use()


def _look(answer: bytes) -> None:
    """A client that lost its way takes the answer for the truth, and goes by it."""
    reply = ExchangeResponse()
    reply.replies.add(id=1).get.header.node = "n2"

    @virtual_time
    async def use(clock: VirtualClock) -> None:
        client = _client(_Node(reply.SerializeToString(), answer), clock)
        await client.get("k")
        await turns()
        await _use(client)
        await client.close()

    use()


def _status(answer: bytes) -> None:
    @virtual_time
    async def use(clock: VirtualClock) -> None:
        client = _client(_Node(None, answer), clock)
        try:
            await client.status(ENDPOINT)
        finally:
            await client.close()

    use()


def _detail(data: bytes) -> None:
    """In the trailing metadata of every status: mapped to what the caller is told, and what the router does next."""
    metadata = grpc.aio.Metadata((DETAIL_KEY, data))
    rng = Random(1)
    for code in grpc.StatusCode:
        error = _error(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details="why"))
        assert str(from_wire(error, write=True, origin=ENDPOINT))
        router = Router([ENDPOINT], rng, policy("round_robin", rng))
        step = router.after_failure(error, ENDPOINT, b"k", write=False, attempt=1, now=0.0)
        assert isinstance(step, OstrakaError) or step >= 0
        assert router.pick(b"k", 0.0)
