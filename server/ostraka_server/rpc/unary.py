"""Unary calls: each becomes a Command for the gateway, and its reply the response or an error."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.rpc.errors import refuse
from ostraka_server.shard.gateway import Gateway


class UnaryCalls:
    """What the services of such calls share."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def call(self, command: Command, context: grpc.aio.ServicerContext[Any, Any]) -> Reply:
        """The reply; an error in it ends the call instead."""
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answer(reply: Reply) -> None:
            if not answered.done():  # else the caller has gone
                answered.set_result(reply)

        call = self._gateway.submit(command.SerializeToString(), _timeout_ms(context), answer)
        try:
            reply = await answered
        except asyncio.CancelledError:
            if call is not None:
                self._gateway.withdraw(call)
            raise
        if reply.HasField("error"):
            await refuse(context, reply.error)
        return reply


def _timeout_ms(context: grpc.aio.ServicerContext[Any, Any]) -> int:
    """What is left of the caller's deadline; 0 where it gave none."""
    remaining: object = context.time_remaining()  # None without a deadline, which the stubs do not know
    return max(1, int(remaining * 1000)) if isinstance(remaining, float) else 0
