"""The gRPC server for clients: services, limits, reflection. What a client can do to it is bounded here."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from ostraka_server.config import Address

STREAMS_MAX = 1024
"""Concurrent RPCs on one connection."""

METADATA_BYTES_MAX = 16 << 10

PING_INTERVAL_MIN_MS = 1000
"""Clients that ping more often without reason are cut off after a few warnings."""


class PortTaken(Exception):
    """The address cannot be listened on: the message names it, the reason and the remedy."""


def new_server(request_bytes_max: int, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> grpc.aio.Server:
    """A server without services or ports. `request_bytes_max`: largest request, and largest frame of an Exchange."""
    return grpc.aio.server(
        interceptors=interceptors,
        options=[
            ("grpc.so_reuseport", 0),  # else a second node on the same port would silently take half of the calls
            ("grpc.max_receive_message_length", request_bytes_max),
            ("grpc.max_send_message_length", -1),  # responses are bounded by what makes them
            ("grpc.max_concurrent_streams", STREAMS_MAX),
            ("grpc.max_metadata_size", METADATA_BYTES_MAX),
            ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MIN_MS),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )


def listen(server: grpc.aio.Server, address: Address) -> Address:
    """Listen; the address with the port that was taken. Raises PortTaken."""
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise PortTaken(
            f"cannot listen for clients on {address}: the port is in use or the address is not this machine's. Stop "
            f"what uses it, or set listen_client"
        ) from error
    return Address(address.host, port)
