"""What a node takes from clients: requests, frames of calls, commands, HTTP requests."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from random import Random
from typing import Any, NoReturn, cast

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2

from ostraka._frames import exchange_pb2 as frames
from ostraka.v1 import cluster_pb2, kv_pb2, session_pb2
from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, ExchangeRequest, ExchangeResponse, Reply
from ostraka_server.config import Limits
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.http import HttpServer, Page
from ostraka_server.rpc.parsing import Malformed, lenient
from ostraka_server.rpc.reflection import parse_request
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.router import Router
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.fuzz.decoder import Decoder
from tests.fuzz.traffic import Traffic
from tests.rpc.cluster import ManualClock, Wire
from tests.shard.script import Script, new_group

REFUSALS = (
    Reason.INVALID,
    Reason.TOO_LARGE,
    Reason.EXPIRED,
    Reason.NO_SUCH_SHARD,
    Reason.COMPACTED,
    Reason.FUTURE_REVISION,
)
LIMITS = Limits(calls_in_flight_max=30, calls_per_stream_max=20)


def decoders(traffic: Traffic) -> list[Decoder]:
    commands = traffic.samples("command")
    return [
        Decoder("command", ("shard.gateway:Gateway.submit",), _command, commands, shape=Command, share=20),
        Decoder(
            "frame of calls", ("rpc.exchange_service:ExchangeService.handler",), _frame,
            traffic.samples("calls"), shape=ExchangeRequest,
        ),
        *(_unary(kind) for kind in _unary_requests()),
        Decoder(
            "reflection request", ("rpc.reflection:parse_request",), parse_request,
            [reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()],
            shape=reflection_pb2.ServerReflectionRequest, share=2,
        ),
        Decoder(
            "HTTP request", (), _http, [b"GET /metrics?x=1 HTTP/1.1\r\nHost: n1:9401", b"HEAD / HTTP/1.0"], share=2
        ),
    ]  # fmt: skip


def _unary_requests() -> list[type[Message]]:
    services = [
        service for file in (kv_pb2, session_pb2, cluster_pb2) for service in file.DESCRIPTOR.services_by_name.values()
    ]
    return [GetMessageClass(method.input_type) for service in services for method in service.methods]


def _unary(kind: type[Message]) -> Decoder:
    """A request of its own, as the interceptor reads it; what is in it is a command's affair."""
    parse = lenient(kind.FromString)

    def decode(data: bytes) -> None:
        assert isinstance(parse(data), kind | Malformed)

    return Decoder(kind.DESCRIPTOR.full_name, (), decode, [kind().SerializeToString()], shape=kind, share=1)


class _Entrance:
    """A gateway on n1, which leads a group that is it alone."""

    def __init__(self, clock: VirtualClock | ManualClock) -> None:
        forwarder = Forwarder(Wire(), {"n1": "n1:1"}, clock)
        self.gateway = Gateway(node="n1", limits=LIMITS, forwarder=forwarder, clock=clock)
        self.data = Script(new_group(members=1, now=lambda: self.data.now))
        self.gateway.open(Router({0: new_group(members=1, number=0), 1: self.data.group}), lambda: None)
        self.data.now = self.data.group.deadline
        self.settle()
        assert self.data.group.replica.serving

    def settle(self) -> None:
        """Turn until nothing is left to do."""
        while self.data.turn():
            pass


def _command(data: bytes) -> None:
    entrance = _Entrance(ManualClock())
    replies: list[Reply] = []
    entrance.gateway.submit(data, 0, replies.append)
    entrance.settle()
    (reply,) = replies
    result = reply.WhichOneof("result")
    assert result is not None
    if result == "error":
        assert reply.error.detail.reason in REFUSALS and reply.error.detail.surely_not_done


class _Stream:
    """As much of a `grpc.aio.ServicerContext` as the Exchange service uses: one frame, and the client has no more."""

    def __init__(self, frame: Any) -> None:
        self._frames = [grpc.aio.EOF, frame]
        self.replies: list[int] = []
        self.aborted = False

    async def read(self) -> Any:
        return self._frames.pop()

    async def write(self, response: frames.ExchangeResponse) -> None:
        self.replies += [reply.id for reply in ExchangeResponse.FromString(response.SerializeToString()).replies]

    async def abort(self, code: grpc.StatusCode, message: str, metadata: object) -> NoReturn:
        self.aborted = True
        raise _Aborted


class _Aborted(Exception):
    """What `abort` raises."""


def _frame(data: bytes) -> None:
    frame = lenient(frames.ExchangeRequest.FromString, "ostraka.v1.ExchangeRequest")(data)

    @virtual_time
    async def exchange(clock: VirtualClock) -> None:
        entrance, stream = _Entrance(clock), _Stream(frame)
        service = ExchangeService(entrance.gateway, LIMITS, clock, Random(1))
        serving = asyncio.create_task(service.exchange(None, cast(Any, stream)))
        while not serving.done():
            entrance.settle()
            await turns(1)
        try:
            await serving
        except _Aborted:
            assert stream.aborted
        else:
            assert sorted(stream.replies) == sorted(call.id for call in frame.calls), "not one answer to each call"
        assert entrance.gateway.in_flight == 0

    exchange()


def _http(head: bytes) -> None:
    server = HttpServer({"/metrics": _page}, ManualClock())
    assert server.answer(head).startswith(b"HTTP/1.1 ")


def _page() -> Page:
    return Page(HTTPStatus.OK, "text/plain", b"page")
