"""The Session service: registers a client with a shard, and forgets it."""

from __future__ import annotations

from typing import Any

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.session_pb2 import CloseRequest, CloseResponse, RegisterRequest, RegisterResponse
from ostraka.v1.session_pb2_grpc import SessionServicer
from ostraka_server.rpc.unary import UnaryCalls
from ostraka_server.shard.gateway import Gateway


class SessionService(SessionServicer):
    """Thin: what a request means is decided behind the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._unary = UnaryCalls(gateway)

    async def Register(self, request: RegisterRequest, context: Any) -> RegisterResponse:
        return (await self._unary.call(Command(register=request), context)).register

    async def Close(self, request: CloseRequest, context: Any) -> CloseResponse:
        return (await self._unary.call(Command(close=request), context)).close
