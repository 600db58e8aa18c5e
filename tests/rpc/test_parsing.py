"""Bytes that are no request are refused by name, and leave no traceback."""

from __future__ import annotations

import asyncio
import logging
from random import Random

import grpc
import pytest

from ostraka._grpc import GrpcTransport
from ostraka.clock import BootClock
from ostraka.v1.kv_pb2_grpc import add_KVServicer_to_server
from ostraka_server.config import Limits
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.interceptor import CountingInterceptor
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from tests.rpc.cluster import ManualClock
from tests.rpc.serving import serving

GARBAGE = b"\xff\xff\xff"


def test_malformed_requests_are_refused_by_name(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = BootClock()
        forwarder = Forwarder(GrpcTransport(), {}, clock)
        gateway = Gateway(node="n1", limits=Limits(), forwarder=forwarder, clock=clock)

        def add(server: grpc.aio.Server) -> None:
            add_KVServicer_to_server(KvService(gateway), server)
            server.add_generic_rpc_handlers((ExchangeService(gateway, Limits(), clock, Random(0)).handler(),))

        async with (
            serving(add, [CountingInterceptor(ManualClock())]) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            for method, expected in (
                ("/ostraka.v1.KV/Put", "ostraka.v1.PutRequest"),
                ("/ostraka.v1.Exchange/Exchange", "ostraka.v1.ExchangeRequest"),
            ):
                call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call(GARBAGE)
                assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, method
                assert expected in (refused.value.details() or "")

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    assert not [record for record in caplog.records if record.exc_info]
