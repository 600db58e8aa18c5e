"""Reflection, v1alpha by the real grpcurl, v1 by a client that knows nothing but what the server tells."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2 as v1alpha

from ostraka_server.config import Limits
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.health import Health
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.rpc.services import SERVICES, add_services
from ostraka_server.rpc.session_service import SessionService
from tests.rpc.cluster import Cluster, View, Wire
from tests.rpc.serving import serving

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA = "grpc.reflection.v1alpha.ServerReflection"
LISTED = {*SERVICES, "grpc.health.v1.Health", V1, V1ALPHA}


def add_all(server: grpc.aio.Server, *, reflection: bool = True) -> None:
    cluster = Cluster(1)
    cluster.elect("n1")
    gateway = cluster.open_gateway("n1")
    health = Health(SERVICES)
    health.serve(cluster.nodes["n1"].values())
    add_services(
        server,
        kv=KvService(gateway),
        session=SessionService(gateway),
        exchange=ExchangeService(gateway, Limits(), cluster.clock, Random(0)),
        cluster=ClusterService(View(cluster, "n1"), gateway, Wire(), cluster.clock),
        health=health,
        reflection=reflection,
    )


async def grpcurl(*arguments: str) -> str:
    """What it prints."""
    program = Path(sys.executable).with_name("grpcurl")
    found = str(program) if program.exists() else shutil.which("grpcurl")
    if found is None:
        pytest.fail("grpcurl is missing: `make venv` installs it on x86-64, elsewhere put it on the PATH")
    process = await asyncio.create_subprocess_exec(
        found, "-plaintext", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def test_grpcurl_lists_describes_and_calls_without_proto_files() -> None:
    async def main() -> None:
        async with serving(add_all) as address:
            assert set((await grpcurl(address, "list")).split()) == LISTED
            described = await grpcurl(address, "describe")
            assert all(f"{service} is a service:" in described for service in LISTED)
            assert "rpc Put (" in await grpcurl(address, "describe", "ostraka.v1.KV.Put")
            put = await grpcurl("-d", '{"key": "aw==", "value": "dg=="}', address, "ostraka.v1.KV/Put")
            assert json.loads(put)["header"]["revision"] == "2"
            frame = '{"calls": [{"id": 7, "command": {"get": {"key": "aw=="}}}]}'
            exchanged = json.loads(await grpcurl("-d", frame, address, "ostraka.v1.Exchange/Exchange"))
            assert exchanged["replies"][0]["get"]["kv"]["value"] == "dg=="
            assert json.loads(await grpcurl(address, "grpc.health.v1.Health/Check")) == {"status": "SERVING"}

    asyncio.run(main())


class V1Client:
    """Speaks v1 with messages made from the descriptors that the server gives of v1 itself."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def ask(self, request: Any, response: type[Any] = v1alpha.ServerReflectionResponse) -> Any:
        rpc: grpc.aio.StreamStreamMultiCallable[Any, Any] = self._channel.stream_stream(
            f"/{V1}/ServerReflectionInfo",
            request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        (answer,) = [each async for each in rpc(iter([request]))]
        return answer

    async def files_of(self, symbol: str) -> list[FileDescriptorProto]:
        answer = await self.ask(v1alpha.ServerReflectionRequest(file_containing_symbol=symbol))
        return [FileDescriptorProto.FromString(file) for file in answer.file_descriptor_response.file_descriptor_proto]

    async def messages(self) -> tuple[type[Any], type[Any]]:
        """Request and response of the v1 service, as it describes itself."""
        pool = DescriptorPool()
        for file in await self.files_of(V1):
            pool.Add(file)
        method = pool.FindServiceByName(V1).methods_by_name["ServerReflectionInfo"]
        return GetMessageClass(method.input_type), GetMessageClass(method.output_type)


def test_v1_describes_itself_and_lists_the_services() -> None:
    async def main() -> None:
        async with serving(add_all) as address, grpc.aio.insecure_channel(address) as channel:
            client = V1Client(channel)
            request, response = await client.messages()
            assert request.DESCRIPTOR.full_name == "grpc.reflection.v1.ServerReflectionRequest"
            answer = await client.ask(request(list_services=""), response)
            assert {service.name for service in answer.list_services_response.service} == LISTED

    asyncio.run(main())


def test_a_request_that_is_none_is_answered_with_an_error() -> None:
    async def main() -> None:
        async with serving(add_all) as address, grpc.aio.insecure_channel(address) as channel:
            answer = await V1Client(channel).ask(b"\xff\xff")
            assert answer.error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]

    asyncio.run(main())


def test_a_file_comes_with_all_that_it_imports() -> None:
    async def main() -> None:
        async with serving(add_all) as address, grpc.aio.insecure_channel(address) as channel:
            files = {file.name: file for file in await V1Client(channel).files_of("ostraka.v1.KV")}
            assert "ostraka/v1/kv.proto" in files
            assert {name for file in files.values() for name in file.dependency} <= files.keys()

    asyncio.run(main())


@pytest.mark.parametrize("symbol", ["ostraka_server.wire.Entry", "google.protobuf.FileDescriptorProto", "nothing"])
def test_what_is_not_served_is_not_shown(symbol: str) -> None:
    async def main() -> None:
        async with serving(add_all) as address, grpc.aio.insecure_channel(address) as channel:
            request = v1alpha.ServerReflectionRequest(file_containing_symbol=symbol)
            answer = await V1Client(channel).ask(request)
            assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]

    asyncio.run(main())


def test_reflection_can_be_switched_off() -> None:
    async def main() -> None:
        async with (
            serving(lambda server: add_all(server, reflection=False)) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await V1Client(channel).ask(v1alpha.ServerReflectionRequest(list_services=""))
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    asyncio.run(main())
