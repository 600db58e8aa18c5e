"""The transport over grpc.aio: the only file of the SDK that imports grpc.

Messages pass as raw bytes (no serialisers): frames are made and read by `_exchange`, once.
"""

from __future__ import annotations

import asyncio
from typing import Final

import grpc
from google.protobuf.message import DecodeError

from ostraka._transport import TransportError
from ostraka.errors import Status, to_wire
from ostraka.v1.common_pb2 import REASON_UNSPECIFIED, ErrorDetail
from ostraka.v1.exchange_pb2 import Error

DETAIL_KEY: Final = "ostraka-error-bin"
MESSAGE_BYTES_MAX: Final = 8 * 1024 * 1024
OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    # A node that was restarted is soon found again; a connection attempt into the void is given up within a second
    # (the minimum is that limit, not a pause).
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 500),
    # A peer that vanished without a word is noticed within 5 + 2 seconds while a stream is open. The server has to
    # allow pings this often (its grpc.http2.min_recv_ping_interval_without_data_ms), else it ends idle connections.
    ("grpc.keepalive_time_ms", 5000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.max_pings_without_data", 0),
    # A client has its own connection, whatever else in the process talks to the same node.
    ("grpc.use_local_subchannel_pool", 1),
)

# What grpc itself says of a stream that broke ("Stream removed", "RST_STREAM", "Internal error from Core"), depending
# on where it was noticed first. A node that means to say something adds an ErrorDetail.
_BREAKS: Final = frozenset((Status.CANCELLED, Status.UNKNOWN, Status.INTERNAL))


class GrpcStream:
    """A running Exchange call."""

    def __init__(self, call: grpc.aio.StreamStreamCall[bytes, bytes]) -> None:
        self._call = call

    async def send(self, frame: bytes) -> None:
        try:
            await self._call.write(frame)
        except grpc.aio.AioRpcError as error:
            raise TransportError(_stream_error(error)) from error
        except asyncio.InvalidStateError as over:  # what grpc raises where the status is already known
            raise TransportError(to_wire(Status.UNAVAILABLE, "the node ended the stream")) from over

    async def receive(self) -> bytes:
        try:
            frame = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise TransportError(_stream_error(error)) from error
        if isinstance(frame, bytes):
            return frame
        raise TransportError(to_wire(Status.UNAVAILABLE, "the node ended the stream"))

    def close(self) -> None:
        self._call.cancel()


class GrpcTransport:
    """Plaintext channels, one per address, kept until the transport is closed."""

    def __init__(self) -> None:
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def open(self, address: str) -> GrpcStream:
        method = "/ostraka.v1.Exchange/Exchange"
        exchange: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channel(address).stream_stream(method)
        call = exchange()
        try:
            await call.wait_for_connection()
        except grpc.aio.AioRpcError as error:
            raise TransportError(_stream_error(error)) from error
        except asyncio.CancelledError:
            call.cancel()
            raise
        return GrpcStream(call)

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel(address).unary_unary(method)
        try:
            return await call(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise TransportError(_error(error)) from error
        except asyncio.CancelledError as cancelled:
            if _cancelled_by_caller():
                raise
            why = "the connection was closed on this side"  # which grpc tells the call's task by cancelling it
            raise TransportError(to_wire(Status.UNAVAILABLE, why)) from cancelled

    async def close(self) -> None:
        channels = list(self._channels.values())
        self._channels.clear()
        for channel in channels:
            await channel.close()

    def _channel(self, address: str) -> grpc.aio.Channel:
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = grpc.aio.insecure_channel(address, options=OPTIONS)
        return channel


def _cancelled_by_caller() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _error(error: grpc.aio.AioRpcError) -> Error:
    """The status, with the ErrorDetail of the trailing metadata where there is one that can be read."""
    detail = ErrorDetail()
    for key, value in error.trailing_metadata():
        if key == DETAIL_KEY and isinstance(value, bytes):
            try:
                detail = ErrorDetail.FromString(value)
            except DecodeError:
                detail = ErrorDetail()  # not ours: the status alone has to do
    code: int = error.code().value[0]
    return Error(code=code, message=error.details() or error.code().name, detail=detail)


def _stream_error(error: grpc.aio.AioRpcError) -> Error:
    """As `_error`; a status that only says that the stream broke is UNAVAILABLE."""
    mapped = _error(error)
    if mapped.code in _BREAKS and mapped.detail.reason == REASON_UNSPECIFIED:
        mapped.code = Status.UNAVAILABLE
    return mapped
