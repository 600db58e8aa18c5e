"""channelz over real gRPC: it shows the calls of the server beside it, and to nobody but this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_channelz.v1.channelz_pb2 import GetServerRequest, GetServersRequest
from grpc_channelz.v1.channelz_pb2_grpc import ChannelzStub

from ostraka.v1.kv_pb2 import PutRequest
from ostraka.v1.kv_pb2_grpc import KVStub
from ostraka_server.config import Address, Limits
from ostraka_server.rpc.channelz import channelz_server
from ostraka_server.rpc.server import PortTaken
from tests.rpc.serving import serving
from tests.rpc.test_reflection import add_all, grpcurl

LOOPBACK, OTHER_LOOPBACK = "127.0.0.1", "127.0.0.2"
CHANNELZ = "grpc.channelz.v1.Channelz"


@asynccontextmanager
async def channelz(*, reflection: bool = True) -> AsyncIterator[Address]:
    """Served on a free port."""
    server, address = channelz_server(Limits(), Address(LOOPBACK, 0), reflection=reflection)
    await server.start()
    try:
        yield address
    finally:
        await server.stop(None)


async def calls_started(address: Address) -> dict[int, int]:
    """What channelz shows of each server of this process, by its id there."""
    async with grpc.aio.insecure_channel(str(address)) as channel:
        answer = await ChannelzStub(channel).GetServers(GetServersRequest())
    return {server.ref.server_id: server.data.calls_started for server in answer.server}


def test_it_shows_the_calls_of_a_server_beside_it() -> None:
    async def main() -> None:
        async with channelz() as address:
            before = await calls_started(address)
            async with serving(add_all) as node, grpc.aio.insecure_channel(node) as channel:
                for _ in range(3):
                    await KVStub(channel).Put(PutRequest(key=b"k", value=b"v"))
                after = await calls_started(address)
        assert [calls for server, calls in after.items() if server not in before] == [3]

    asyncio.run(main())


def test_grpcurl_needs_no_proto_files_for_it() -> None:
    async def main() -> None:
        async with channelz() as address:
            assert CHANNELZ in (await grpcurl(str(address), "list")).split()
            shown = json.loads(await grpcurl(str(address), f"{CHANNELZ}/GetServers"))
            assert shown["server"]

    asyncio.run(main())


def test_a_server_that_is_not_there_is_not_found() -> None:
    async def main() -> None:
        async with channelz(reflection=False) as address, grpc.aio.insecure_channel(str(address)) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ChannelzStub(channel).GetServer(GetServerRequest(server_id=10**9))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND

    asyncio.run(main())


def test_no_other_address_of_this_machine_leads_to_it() -> None:
    async def main() -> None:
        async with channelz() as address:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(OTHER_LOOPBACK, address.port)

    asyncio.run(main())


def test_the_port_of_clients_does_not_serve_it() -> None:
    async def main() -> None:
        async with serving(add_all) as node, grpc.aio.insecure_channel(node) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ChannelzStub(channel).GetServers(GetServersRequest())
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    asyncio.run(main())


def test_a_port_in_use_is_named_with_the_setting() -> None:
    async def main() -> None:
        async with channelz() as address:
            with pytest.raises(PortTaken, match="set listen_channelz"):
                channelz_server(Limits(), address, reflection=False)

    asyncio.run(main())
