"""The KV service: each unary call becomes a Command for the gateway."""

from __future__ import annotations

from typing import Any

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import (
    CompactRequest,
    CompactResponse,
    DeleteRequest,
    DeleteResponse,
    GetRequest,
    GetResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
)
from ostraka.v1.kv_pb2_grpc import KVServicer
from ostraka_server.rpc.unary import UnaryCalls
from ostraka_server.shard.gateway import Gateway


class KvService(KVServicer):
    """Thin: what a request means is decided behind the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._unary = UnaryCalls(gateway)

    async def Get(self, request: GetRequest, context: Any) -> GetResponse:
        return (await self._unary.call(Command(get=request), context)).get

    async def Range(self, request: RangeRequest, context: Any) -> RangeResponse:
        return (await self._unary.call(Command(range=request), context)).range

    async def Put(self, request: PutRequest, context: Any) -> PutResponse:
        return (await self._unary.call(Command(put=request), context)).put

    async def Delete(self, request: DeleteRequest, context: Any) -> DeleteResponse:
        return (await self._unary.call(Command(delete=request), context)).delete

    async def Txn(self, request: TxnRequest, context: Any) -> TxnResponse:
        return (await self._unary.call(Command(txn=request), context)).txn

    async def Compact(self, request: CompactRequest, context: Any) -> CompactResponse:
        return (await self._unary.call(Command(compact=request), context)).compact
