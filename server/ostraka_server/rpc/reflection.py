"""gRPC reflection, v1 and v1alpha: what lets grpcurl work without proto files.

grpcio-reflection has v1alpha only. v1 differs in nothing but its package's name, so that the same servicer answers
both; the descriptors of v1 are made from those of v1alpha. They live in a pool of their own: what is not served is not
shown, and nothing is added to the process's default pool, where another package may bring the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2 as v1alpha
from grpc_reflection.v1alpha.reflection import aio

V1ALPHA = "grpc.reflection.v1alpha"
V1 = "grpc.reflection.v1"


class _Pool:
    """A DescriptorPool that finds the file of a method by its service: the compiled one knows no methods by name."""

    def __init__(self, protos: Iterable[FileDescriptorProto]) -> None:
        self._pool = DescriptorPool()
        for proto in protos:
            self._pool.Add(proto)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindFileContainingSymbol(symbol.rpartition(".")[0])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def add_reflection(server: grpc.aio.Server, files: Iterable[FileDescriptor]) -> None:
    """Serve reflection of every service in `files`, and of reflection itself."""
    protos = list(_with_dependencies((*files, v1alpha.DESCRIPTOR)))
    protos.append(_as_v1(protos[-1]))
    pool = _Pool(protos)
    names = [f"{proto.package}.{service.name}" for proto in protos for service in proto.service]
    answer = grpc.stream_stream_rpc_method_handler(
        aio.ReflectionServicer(names, pool).ServerReflectionInfo,
        request_deserializer=parse_request,
        response_serializer=v1alpha.ServerReflectionResponse.SerializeToString,
    )
    for package in (V1, V1ALPHA):
        handler = grpc.method_handlers_generic_handler(f"{package}.ServerReflection", {"ServerReflectionInfo": answer})
        server.add_generic_rpc_handlers((handler,))


def parse_request(data: bytes) -> v1alpha.ServerReflectionRequest:
    """A request; where the bytes are none, one that asks for nothing, which the servicer answers with an error."""
    try:
        return v1alpha.ServerReflectionRequest.FromString(data)
    except DecodeError:
        return v1alpha.ServerReflectionRequest()


def _with_dependencies(files: Iterable[FileDescriptor]) -> Iterator[FileDescriptorProto]:
    """Each file once, after those that it imports."""
    seen: set[str] = set()

    def visit(file: FileDescriptor) -> Iterator[FileDescriptorProto]:
        if file.name in seen:
            return
        seen.add(file.name)
        for dependency in file.dependencies:
            yield from visit(dependency)
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        yield proto

    for file in files:
        yield from visit(file)


def _as_v1(alpha: FileDescriptorProto) -> FileDescriptorProto:
    proto = FileDescriptorProto()
    proto.CopyFrom(alpha)
    proto.name = alpha.name.replace("v1alpha", "v1")
    proto.package = V1
    for message in proto.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = field.type_name.replace(V1ALPHA, V1)
    for service in proto.service:
        for method in service.method:
            method.input_type = method.input_type.replace(V1ALPHA, V1)
            method.output_type = method.output_type.replace(V1ALPHA, V1)
    return proto
